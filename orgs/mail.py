"""
Outgoing mail: queued as rows in the transaction of its cause, sent later.

This is the one place where mails are composed. Whoever queues one says what it tells;
what all mails have in common is seen to here, for each recipient: their time zone,
the foot, what they refused, and the way to refuse it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.template.loader import render_to_string

from core.zones import read_in
from orgs.models import Organization, User
from orgs.person_models import OptionalMail
from orgs.queries import refusing_addresses
from orgs.reach import elsewhere
from orgs.unsubscribing import Subscription, unsubscribe_url

LONGEST_SUBJECT = 250
GAP = re.compile(r"\n(?: *\n){2,}")
INSERT = """
INSERT INTO orgs_outboxmail (
    organization_id, kind, dedupe_key, thread, recipient, subject, body_text, body_html,
    status, attempts, next_attempt_at, last_error, created_at
)
SELECT %s, %s, %s, %s, recipient, subject, body_text, body_html,
    'queued', 0, %s, '', %s
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[])
    AS letter (recipient, subject, body_text, body_html)
ON CONFLICT (dedupe_key, recipient) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Letter:
    """What one recipient reads."""

    subject: str
    body_text: str
    body_html: str


@dataclass(frozen=True, slots=True)
class Draft(Letter):
    """A mail that was written, and not queued."""

    kind: str


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who gets a mail. `zone` is that of their account, if they have one."""

    email: str
    zone: str = "UTC"
    has_account: bool = False


# Who drafts are written for.
SAMPLE = Addressee("ada@acme.example", has_account=True)
# Writes what a recipient reads, given what all mails say.
Writer = Callable[[Mapping[str, Any]], Letter]
# Subjects with a date in them depend on their reader's zone.
Subject = str | Callable[[], str]


@dataclass(frozen=True, slots=True)
class Drafting:
    facts: Mapping[str, Any]
    recipient: Addressee
    drafts: list[Draft] = field(default_factory=list)


_drafting: ContextVar[Drafting | None] = ContextVar("drafting", default=None)


@contextmanager
def drafted(recipient: Addressee = SAMPLE, **facts: Any) -> Iterator[list[Draft]]:
    """
    Write what the block queues into the list that this yields, and queue nothing.

    To show what mails say: `facts` stand in for those that a template is given.
    """
    drafting = Drafting(facts, recipient)
    token = _drafting.set(drafting)
    try:
        yield drafting.drafts
    finally:
        _drafting.reset(token)


def cycle_thread(organization: Organization, cycle_start: date) -> str:
    """Return the thread of what an organization is told about a billing cycle."""
    return f"{organization.public_id}:{cycle_start:%Y-%m}"


def queue_mail(
    *,
    kind: str,
    recipients: Iterable[str],
    subject: Subject,
    template: str,
    context: dict[str, Any],
    dedupe_key: str,
    organization: Organization | None,
    now: datetime,
    thread: str = "",
) -> int:
    """
    Queue a mail from `templates/emails/<template>.txt` and `.html`.

    Moments in a template are written by `moment_text`, in the recipient's zone. The
    foot is added here. Of a kind of `OptionalMail`, those who refused it get none.

    :returns: how many were new: a cause and a recipient share one mail, however
        often this is called.
    """

    def write(common: Mapping[str, Any]) -> Letter:
        line = one_line(subject if isinstance(subject, str) else subject())
        values = {**common, "subject": line, **context}
        if drafting := _drafting.get():
            values |= drafting.facts
        return Letter(
            line,
            with_foot(render_to_string(f"emails/{template}.txt", values), common),
            render_to_string(f"emails/{template}.html", values).strip(),
        )

    return queue_message(
        kind=kind,
        recipients=recipients,
        write=write,
        dedupe_key=dedupe_key,
        organization=organization,
        now=now,
        thread=thread,
    )


def queue_message(
    *,
    kind: str,
    recipients: Iterable[str],
    write: Writer,
    dedupe_key: str,
    organization: Organization | None,
    now: datetime,
    thread: str = "",
) -> int:
    """Queue a mail that is written by `write` for each recipient; see `queue_mail`."""
    if drafting := _drafting.get():
        letter = letter_for(drafting.recipient, write, kind, organization)
        draft = Draft(letter.subject, letter.body_text, letter.body_html, kind)
        drafting.drafts.append(draft)
        return 0
    organization_id = organization.pk if organization else None
    with elsewhere(organization_id, "a mail"), connection.cursor() as cursor:
        addressees = addressees_of(recipients, kind, organization)
        letters = [letter_for(each, write, kind, organization) for each in addressees]
        cursor.execute(
            INSERT,
            [
                *(organization_id, kind, dedupe_key, thread, now, now),
                [each.email for each in addressees],
                *columns_of(letters),
            ],
        )
        return int(cursor.rowcount)


def columns_of(letters: Sequence[Letter]) -> tuple[list[str], list[str], list[str]]:
    return (
        [letter.subject for letter in letters],
        [letter.body_text for letter in letters],
        [letter.body_html for letter in letters],
    )


def addressees_of(
    recipients: Iterable[str], kind: str, organization: Organization | None
) -> list[Addressee]:
    """Return who gets a mail: each address once, without those who refused it."""
    emails = {recipient.strip().lower() for recipient in recipients}
    if organization is not None and kind in OptionalMail.values:
        emails -= refusing_addresses(organization, kind)
    people = User.objects.filter(email__in=emails)
    zones = dict(people.values_list("email", "time_zone"))
    return [
        Addressee(email, zones.get(email, "UTC"), has_account=email in zones)
        for email in sorted(emails)
    ]


def letter_for(
    addressee: Addressee, write: Writer, kind: str, organization: Organization | None
) -> Letter:
    """Write what somebody reads, in their time zone."""
    is_optional = organization is not None and kind in OptionalMail.values
    common = {
        "base_url": settings.BASE_URL,
        "organization": organization,
        "has_account": addressee.has_account,
        "unsubscribe_url": (
            unsubscribe_url(Subscription(organization.pk, addressee.email, kind))
            if organization is not None and is_optional
            else ""
        ),
    }
    with read_in(lambda: addressee.zone):
        return write(common)


def with_foot(text: str, common: Mapping[str, Any]) -> str:
    """Return a text with what stands below each, and without gaps of its template."""
    foot = render_to_string("emails/_foot.txt", dict(common))
    closed_up = GAP.sub("\n\n", text.strip())
    return f"{closed_up}\n\n{foot.strip()}\n"


def one_line(subject: str) -> str:
    """Return a subject that cannot smuggle a header: no line breaks, not too long."""
    return " ".join(subject.split())[:LONGEST_SUBJECT]
