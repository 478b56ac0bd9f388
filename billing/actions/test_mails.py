"""An owner looks at an alert's mail in their own mailbox, before there is an alert."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from billing.mail_samples.sample import Sample
from orgs import audit
from orgs.mail import Addressee, Letter, queue_message
from orgs.models import Organization, OutboxMail, User

KIND = "test_mail"
HOURLY_MAX = 10
AN_HOUR = timedelta(hours=1)
MARK = "This is a test that you asked for: its figures are made up."
# The one who tries a mail does not refuse its kind by that.
REFUSAL = re.compile(r"^Stop these mails: .*\n", re.MULTILINE)


class TooManyTestMails(Exception):
    """Somebody had as many within an hour as they may."""


@transaction.atomic
def send_test_mail(
    *,
    organization: Organization,
    sample: Sample,
    new_id: str,
    acting_user: User,
    now: datetime,
) -> None:
    """
    Queue a sample to whoever asks, marked as a test. The same `new_id` sends once.

    :raises TooManyTestMails: at more than `HOURLY_MAX` within an hour.
    """
    person = User.objects.select_for_update(no_key=True).get(pk=acting_user.pk)
    dedupe_key = f"{KIND}:{person.public_id}:{new_id}"
    sent = OutboxMail.objects.filter(
        organization=organization, kind=KIND, recipient=person.email
    )
    if sent.filter(dedupe_key=dedupe_key).exists():
        return
    if sent.filter(created_at__gt=now - AN_HOUR).count() >= HOURLY_MAX:
        raise TooManyTestMails
    queue_message(
        kind=KIND,
        recipients=[person.email],
        write=lambda _: test_letter(sample, person),
        dedupe_key=dedupe_key,
        organization=organization,
        now=now,
    )
    audit.record(
        organization=organization,
        actor=acting_user,
        action="mail.tested",
        target=person.email,
        details={"sample": sample.name},
        now=now,
    )


def test_letter(sample: Sample, person: User) -> Letter:
    """Write a sample as a person would read it, with what says that it is a test."""
    marks: Mapping[str, Any] = {"test_mark": MARK, "unsubscribe_url": ""}
    marked = replace(sample, facts={**sample.facts, **marks})
    draft = marked.draft(
        Addressee(person.email, zone=person.time_zone, has_account=True)
    )
    text = REFUSAL.sub("", draft.body_text)
    return Letter(f"[Test] {draft.subject}", f"{MARK}\n\n{text}", draft.body_html)
