"""Outgoing mail: queued as rows in the transaction of its cause, sent later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.template.loader import render_to_string

from orgs.models import Organization
from orgs.reach import elsewhere

LONGEST_SUBJECT = 250
INSERT = """
INSERT INTO orgs_outboxmail (
    recipient, organization_id, kind, subject, body_text, body_html, dedupe_key,
    status, attempts, next_attempt_at, last_error, created_at
)
SELECT recipient, %s, %s, %s, %s, %s, %s, 'queued', 0, %s, '', %s
FROM unnest(%s::text[]) AS recipient
ON CONFLICT (dedupe_key, recipient) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Draft:
    """A mail that was written, and not queued."""

    kind: str
    subject: str
    body_text: str
    body_html: str


@dataclass(frozen=True, slots=True)
class Drafting:
    facts: Mapping[str, Any]
    drafts: list[Draft] = field(default_factory=list)


_drafting: ContextVar[Drafting | None] = ContextVar("drafting", default=None)


@contextmanager
def drafted(**facts: Any) -> Iterator[list[Draft]]:
    """
    Write what the block queues into the list that this yields, and queue nothing.

    To show what mails say: `facts` stand in for those that a template is given.
    """
    drafting = Drafting(facts)
    token = _drafting.set(drafting)
    try:
        yield drafting.drafts
    finally:
        _drafting.reset(token)


def queue_mail(
    *,
    kind: str,
    recipients: Iterable[str],
    subject: str,
    template: str,
    context: dict[str, Any],
    dedupe_key: str,
    organization: Organization | None,
    now: datetime,
) -> int:
    """
    Queue a mail from `templates/emails/<template>.txt` and `.html`.

    :returns: how many were new: a cause and a recipient share one mail, however
        often this is called.
    """
    values = {
        "base_url": settings.BASE_URL,
        "organization": organization,
        "subject": subject,
        **context,
    }
    if drafting := _drafting.get():
        values |= drafting.facts
    return queue_message(
        kind=kind,
        recipients=recipients,
        subject=subject,
        body_text=render_to_string(f"emails/{template}.txt", values),
        body_html=render_to_string(f"emails/{template}.html", values),
        dedupe_key=dedupe_key,
        organization=organization,
        now=now,
    )


def queue_message(
    *,
    kind: str,
    recipients: Iterable[str],
    subject: str,
    body_text: str,
    body_html: str,
    dedupe_key: str,
    organization: Organization | None,
    now: datetime,
) -> int:
    """Queue a mail whose text is written already; see `queue_mail`."""
    if drafting := _drafting.get():
        draft = Draft(
            kind, one_line(subject), body_text.strip() + "\n", body_html.strip()
        )
        drafting.drafts.append(draft)
        return 0
    organization_id = organization.pk if organization else None
    with elsewhere(organization_id, "a mail"), connection.cursor() as cursor:
        cursor.execute(
            INSERT,
            [
                organization_id,
                kind,
                one_line(subject),
                body_text.strip() + "\n",
                body_html.strip(),
                dedupe_key,
                now,
                now,
                sorted({recipient.strip().lower() for recipient in recipients}),
            ],
        )
        return int(cursor.rowcount)


def one_line(subject: str) -> str:
    """Return a subject that cannot smuggle a header: no line breaks, not too long."""
    return " ".join(subject.split())[:LONGEST_SUBJECT]
