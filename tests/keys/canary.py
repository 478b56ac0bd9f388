"""Secrets that are easy to recognize, and a search in all places where one may stay."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import redis
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection
from django.test import Client

from orgs.models import User

PAGES = (
    *("/o/acme/keys", "/o/acme/keys?show=unused", "/o/acme/audit", "/o/acme/members"),
    *("/o/acme/overview", "/o/acme/usage", "/o/acme/limits", "/o/acme/settings"),
    *("/account/", "/account/sessions/", "/account/two-factor/"),
)
EXPORTS = (
    *("/o/acme/usage?format=csv", "/o/acme/audit?format=csv"),
    "/o/acme/audit?format=json",
)
# Where each is by design: nobody could use it otherwise.
DATABASE, REDIS, MAIL = "database", "redis", "mail"
SESSIONS = ("django_session", "usersessions_usersession")


@dataclass
class Secret:
    """A text that must stay nowhere, but in the places that are named."""

    name: str
    text: str
    # Tables and sinks that hold it by design.
    allowed: tuple[str, ...] = ()

    def forms(self) -> Iterator[bytes]:
        """Yield the ways in which it could be written."""
        raw = self.text.encode()
        yield raw
        yield raw[::-1]
        yield raw.hex().encode()
        yield raw.hex().upper().encode()
        yield quote(self.text, safe="").encode()
        yield html.escape(self.text).encode()
        yield json.dumps(self.text)[1:-1].encode()
        for shift in range(3):
            # What stands before it decides how it looks in base64.
            inside = base64.b64encode(b"\0" * shift + raw)[4:-4]
            # So much is no coincidence.
            assert len(inside) > 8
            yield inside
            yield inside.translate(bytes.maketrans(b"+/", b"-_"))


@dataclass
class Sinks:
    """Texts by the place where they were found."""

    found: dict[str, bytes] = field(default_factory=dict)

    def add(self, place: str, text: str | bytes) -> None:
        data = text.encode() if isinstance(text, str) else text
        self.found[place] = self.found.get(place, b"") + data


def leaks(secrets: Iterable[Secret], sinks: Sinks) -> set[tuple[str, str]]:
    """Return which secret is in which place, in whatever form."""
    return {
        (secret.name, place)
        for secret in secrets
        for place, text in sinks.found.items()
        if not place.endswith(secret.allowed or ("\0",))
        if any(form in text for form in secret.forms())
    }


def look_into_database(sinks: Sinks) -> None:
    """Take every row of every table, and what sessions hold once they are opened."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (name,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{name}" AS t')
            rows = "\n".join(row for (row,) in cursor.fetchall())
            sinks.add(f"{DATABASE} {name}", rows)
    for session in Session.objects.all():
        sinks.add(f"{DATABASE} opened sessions", json.dumps(session.get_decoded()))


def look_into_redis(sinks: Sinks) -> None:
    """Take every key: caches, counters, and the queues of Celery's broker."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter():
            values = values_at(client, key)
            is_queue = client.type(key) == b"list"
            place = f"queue {key.decode()}" if is_queue else REDIS
            sinks.add(place, b"\n".join([key, *filter(None, values), b""]))


def values_at(client: Any, key: bytes) -> list[bytes | None]:
    """Return what stands under a key, of whatever type."""
    match client.type(key):
        case b"string":
            return [client.get(key)]
        case b"list":
            return list(client.lrange(key, 0, -1))
        case b"set":
            return list(client.smembers(key))
        case b"hash":
            return [text for pair in client.hgetall(key).items() for text in pair]
        case b"zset":
            return list(client.zrange(key, 0, -1))
    raise AssertionError(f"{key!r} is of a type that nobody looks into")


def look_into_mails(sinks: Sinks) -> None:
    for message in mail.outbox:
        sinks.add(f"{MAIL} {message.subject}", message.message().as_bytes())


def look_at_pages(sinks: Sinks, browser: Client) -> None:
    for path in (*PAGES, *EXPORTS):
        answer: Any = browser.get(path, follow=True)
        content = (
            b"".join(answer.streaming_content) if answer.streaming else answer.content
        )
        sinks.add(f"page {path}", bytes(content))


def look_at_admin(sinks: Sinks, op: User) -> None:
    """Open each table of the operator's admin, and each row of it."""
    from django.contrib import admin

    browser = Client()
    browser.force_login(op)
    for model in apps.get_models():
        if model not in admin.site._registry:
            continue
        path = f"/operator/admin/{model._meta.app_label}/{model._meta.model_name}/"
        sinks.add(f"admin {path}", browser.get(path, follow=True).content)
        for row in model._default_manager.order_by("-pk")[:5]:
            change = browser.get(f"{path}{row.pk}/change/", follow=True)
            sinks.add(f"admin {path}", change.content)
    sinks.add("metrics", browser.get("/metrics").content)


def look_at_errors(sinks: Sinks, browser: Client, secrets: Iterable[Secret]) -> None:
    """Send each secret where it makes an error."""
    forger = Client(enforce_csrf_checks=True)
    for secret in secrets:
        for answer in (
            browser.get("/nowhere", {"a": secret.text}),
            browser.get("/nowhere", HTTP_HOST=f"{secret.text}/"),
            browser.post("/o/acme/keys/create", {"name": "\0", "secret": secret.text}),
            forger.post("/theme/", {"next": f"/{secret.text}"}),
        ):
            # The page may say back what is in its own address; that is no sink.
            text = answer.content.decode().replace(quote(secret.text, safe=""), "")
            sinks.add(f"error {answer.status_code}", text)
