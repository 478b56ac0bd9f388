"""Several workers send the outbox: each mail goes out once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from pytest_django import Settings

from orgs import outbox
from orgs.models import MailStatus, OutboxMail
from orgs.outbox import send_due_mail
from tests.concurrency.threads import all_at_once
from tests.factories import NOW
from tests.smtp_sink import Sink, mail_server

pytestmark = pytest.mark.usefixtures("committed_db")

WORKERS, MAILS = 6, 60


@pytest.fixture
def sink(settings: Settings) -> Iterator[Sink]:
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = server.port
        yield server


def queue_all() -> list[str]:
    addresses = [f"{number:02}@acme.example" for number in range(MAILS)]
    OutboxMail.objects.bulk_create(
        OutboxMail(
            kind="test",
            recipient=address,
            subject="Hello",
            body_text="Hello",
            dedupe_key=address,
            next_attempt_at=NOW,
            created_at=NOW,
        )
        for address in addresses
    )
    return addresses


def next_due_mail_unclaimed(now: object) -> OutboxMail | None:
    """Stand in for `next_due_mail` in the control: claim nothing."""
    return OutboxMail.objects.filter(status=MailStatus.QUEUED).order_by("pk").first()


def send_with_all_workers() -> int:
    return sum(all_at_once([partial(send_due_mail, now=NOW)] * WORKERS))


def test_each_mail_goes_out_once(sink: Sink) -> None:
    addresses = queue_all()
    assert send_with_all_workers() == MAILS
    assert sink.recipients == addresses


def test_control_without_the_claim_mails_go_out_many_times(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "next_due_mail", next_due_mail_unclaimed)
    queue_all()
    send_with_all_workers()
    assert len(sink.messages) > MAILS
