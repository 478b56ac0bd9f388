"""The text of keys goes through every flow, and stays in none of the sinks."""

from __future__ import annotations

import logging
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from keys.actions import warn_of_expiry
from keys.models import ApiKey
from orgs.models import Organization, User
from orgs.outbox import send_due_mail
from tests.keys.test_page import FORM, PROVIDER, revealed_in
from tests.visits import browser_of

pytestmark = pytest.mark.django_db

PAGES = ("/o/acme/keys", "/o/acme/keys?show=unused", "/o/acme/audit", "/account/")


def secrets_through_every_flow(browser: Client) -> list[str]:
    """Make, rotate and end keys, and set a provider key; return what must not stay."""
    made = browser.post("/o/acme/keys/create", FORM).content.decode()
    address = f"/o/acme/keys/{ApiKey.objects.get().public_id}"
    rotated = browser.post(f"{address}/rotate", {"grace": "1"}).content.decode()
    ends_at = timezone.now() + timedelta(days=2)
    began = ends_at - timedelta(days=90)
    ApiKey.objects.update(expires_at=ends_at, rotated_at=began)
    warn_of_expiry(now=timezone.now())
    browser.post("/o/acme/keys/provider-key", PROVIDER)
    browser.post("/o/acme/keys/provider-key", {**PROVIDER, "base_url": "http://no/"})
    browser.post(f"{address}/revoke")
    texts = [revealed_in(page) for page in (made, rotated)]
    return [*(text.rsplit("-", 1)[1] for text in texts), PROVIDER["secret"]]


def whole_database() -> str:
    """Return every row of every table as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = []
        for (name,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{name}" AS t')
            rows += [f"{name} {row}" for (row,) in cursor.fetchall()]
    return "\n".join(rows)


def test_no_secret_stays_anywhere(
    acme: Organization,
    ada: User,
    op: User,
    caplog: pytest.LogCaptureFixture,
    mailoutbox: list[object],
) -> None:
    User.objects.filter(pk=op.pk).update(is_superuser=True)
    caplog.set_level(logging.DEBUG)
    browser = browser_of(ada)
    secrets = secrets_through_every_flow(browser)
    send_due_mail(now=timezone.now())

    admin = browser_of(User.objects.get(pk=op.pk))
    sinks = {
        "database": whole_database(),
        "log": caplog.text,
        "mail": "".join(str(mail.message()) for mail in mailoutbox),  # type: ignore[attr-defined]
        **{page: browser.get(page).content.decode() for page in PAGES},
        "admin": "".join(
            admin.get(f"/operator/admin/keys/{name}/", follow=True).content.decode()
            for name in ("apikey", "providerkey")
        ),
    }
    assert mailoutbox, "a key that expires is told of"
    assert "…" + secrets[1][-4:] in sinks["/o/acme/keys"], "the key is on its page"
    found = {
        name
        for name, text in sinks.items()
        for secret in secrets
        if secret in text or re.search(re.escape(secret[4:28]), text)
    }
    assert found == set()
