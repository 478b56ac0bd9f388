"""Mails are queued once per cause."""

from __future__ import annotations

import pytest

from orgs.mail import Letter, one_line, queue_mail, queue_message
from orgs.models import Organization, OutboxMail, User
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def queue(*recipients: str, subject: str = "Hello", dedupe_key: str = "cause") -> int:
    return queue_message(
        kind="test",
        recipients=recipients,
        write=lambda _: Letter(one_line(subject), "text", ""),
        dedupe_key=dedupe_key,
        organization=None,
        now=NOW,
    )


def test_a_cause_mails_each_recipient_once() -> None:
    assert queue("a@x.example", "b@x.example") == 2
    assert queue("a@x.example", "B@X.example", "c@x.example") == 1
    assert queue("a@x.example", dedupe_key="another cause") == 1
    assert OutboxMail.objects.count() == 4


def test_no_recipients_no_mail() -> None:
    assert queue() == 0


def test_a_subject_cannot_smuggle_a_header() -> None:
    queue("a@x.example", subject="Hi\r\nBcc: everybody@x.example" + "x" * 300)
    subject = OutboxMail.objects.get().subject
    assert subject.startswith("Hi Bcc: everybody@x.example")
    assert len(subject) == 250


def test_html_in_a_name_is_text_in_the_mail(ada: User) -> None:
    organization = Organization.objects.create(
        name="<b>Bold</b>", slug="bold", environment="production"
    )
    queue_mail(
        kind="test",
        recipients=[ada.email],
        subject="Hello",
        template="suspension",
        context={"url": "http://x.example/"},
        dedupe_key="cause",
        organization=organization,
        now=NOW,
    )
    mail = OutboxMail.objects.get()
    assert "&lt;b&gt;Bold&lt;/b&gt;" in mail.body_html
    assert "<b>Bold</b>" in mail.body_text
