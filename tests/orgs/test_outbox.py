"""Mail leaves the outbox over SMTP; what fails waits and comes again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from orgs.models import MailStatus, Organization, OutboxMail
from orgs.outbox import ATTEMPTS_MAX, send_due_mail
from orgs.unsubscribing import Subscription, subscription_of
from tests.factories import NOW
from tests.smtp_sink import Sink, mail_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def sink(settings: Settings) -> Iterator[Sink]:
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = server.port
        yield server


def queue(recipient: str = "ada@acme.example", *, at: datetime = NOW) -> OutboxMail:
    return OutboxMail.objects.create(
        kind="soft_limit",
        recipient=recipient,
        subject="[Acme] Soft limit reached",
        body_text="Traffic continues.\n.\nBye.",
        body_html="<p>Traffic continues.</p>",
        dedupe_key=f"cause of {recipient}",
        next_attempt_at=at,
        created_at=at,
    )


def test_a_queued_mail_arrives_whole(sink: Sink) -> None:
    mail = queue()
    assert send_due_mail(now=NOW) == 1
    (message,) = sink.messages
    assert (message["To"], message["Subject"]) == (mail.recipient, mail.subject)
    text, html = (part.get_content() for part in message.iter_parts())
    assert text.splitlines() == ["Traffic continues.", ".", "Bye."]
    assert html.strip() == "<p>Traffic continues.</p>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    mail.refresh_from_db()
    assert (mail.status, mail.sent_at, mail.attempts) == (MailStatus.SENT, NOW, 1)


def test_a_sent_mail_is_not_sent_again(sink: Sink) -> None:
    queue()
    send_due_mail(now=NOW)
    assert send_due_mail(now=NOW + timedelta(days=1)) == 0
    assert len(sink.messages) == 1


def test_the_message_id_is_the_same_at_each_attempt(sink: Sink) -> None:
    mail = queue()
    send_due_mail(now=NOW)
    OutboxMail.objects.filter(pk=mail.pk).update(status=MailStatus.QUEUED)
    send_due_mail(now=NOW)
    first, second = sink.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Message-ID"].endswith("@localhost>")


def test_a_batch_goes_over_one_connection_and_stops_at_its_size(sink: Sink) -> None:
    for number in range(5):
        queue(f"{number}@acme.example")
    assert send_due_mail(now=NOW, batch_max=3) == 3
    assert sink.connections == 1
    assert sink.recipients == [f"{number}@acme.example" for number in range(3)]


def test_a_mail_that_is_not_due_waits(sink: Sink) -> None:
    queue(at=NOW + timedelta(seconds=1))
    assert send_due_mail(now=NOW) == 0
    assert sink.messages == []


def test_a_refused_address_does_not_hold_up_the_others(sink: Sink) -> None:
    sink.unknown.add("gone@acme.example")
    refused = queue("gone@acme.example")
    queue("ada@acme.example")
    assert send_due_mail(now=NOW) == 1
    assert sink.recipients == ["ada@acme.example"]
    refused.refresh_from_db()
    assert refused.status == MailStatus.QUEUED
    assert refused.last_error == "SMTPRecipientsRefused: 550 5.1.1 no such user"
    assert refused.next_attempt_at == NOW + timedelta(minutes=1)


def test_a_poisoned_mail_does_not_hold_up_the_others(sink: Sink) -> None:
    poisoned = queue("eve@acme.example")
    OutboxMail.objects.filter(pk=poisoned.pk).update(subject="two\nlines")
    queue("ada@acme.example")
    assert send_due_mail(now=NOW) == 1
    poisoned.refresh_from_db()
    assert poisoned.last_error == "BadHeaderError"


def test_a_mail_server_that_is_away_ends_the_batch(settings: Settings) -> None:
    with mail_server() as gone:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", gone.port
    first, second = queue("ada@acme.example"), queue("rita@acme.example")
    assert send_due_mail(now=NOW) == 0
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.attempts, second.attempts) == (1, 0)
    assert first.last_error == "ConnectionRefusedError: Connection refused"


def test_waits_double_up_to_an_hour_and_then_it_is_given_up(sink: Sink) -> None:
    mail = queue("gone@acme.example")
    sink.unknown.add(mail.recipient)
    now, waits = NOW, []
    while mail.status == MailStatus.QUEUED:
        send_due_mail(now=now)
        mail.refresh_from_db()
        waits.append(round((mail.next_attempt_at - now).total_seconds() / 60))
        now = max(now, mail.next_attempt_at)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 0]
    assert (mail.status, mail.attempts) == (MailStatus.FAILED, ATTEMPTS_MAX)


def test_mails_of_a_thread_name_its_first_mail_to_the_same_recipient(
    sink: Sink,
) -> None:
    for number in range(3):
        first = queue(f"{number // 2}@acme.example", at=NOW - timedelta(hours=number))
        OutboxMail.objects.filter(pk=first.pk).update(
            thread="org:2026-11", dedupe_key=f"cause {number}"
        )
    send_due_mail(now=NOW)
    answers = {str(m["Message-ID"]): m["In-Reply-To"] for m in sink.messages}
    (reply,) = [each for each in answers.values() if each]
    assert reply in answers
    assert {m["To"] for m in sink.messages if m["References"] == reply} == {
        "0@acme.example"
    }


def test_one_click_headers_arrive_as_mail_programs_read_them(
    sink: Sink, acme: Organization
) -> None:
    mail = queue()
    OutboxMail.objects.filter(pk=mail.pk).update(organization=acme)
    send_due_mail(now=NOW)
    (message,) = sink.messages
    link = str(message["List-Unsubscribe"]).removeprefix("<").removesuffix(">")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    subscription = subscription_of(link.rpartition("/")[2])
    assert subscription == Subscription(acme.pk, mail.recipient, "soft_limit")
