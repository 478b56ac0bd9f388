"""Operators look through the outbox, and send again what was given up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from orgs.models import AuditEvent, MailStatus, Organization, OutboxMail, User
from orgs.outbox import ATTEMPTS_MAX, send_due_mail
from orgs.outbox_list import PAGE_LENGTH
from tests.factories import NOW
from tests.smtp_sink import mail_server
from tests.visits import browser_of

pytestmark = pytest.mark.django_db
OUTBOX = "/operator/outbox"


def mail(recipient: str = "ada@acme.example", **facts: Any) -> OutboxMail:
    values = {
        "kind": "invoice",
        "subject": f"Invoice for {recipient}",
        "body_text": "Hello.",
        "dedupe_key": f"{recipient} {len(OutboxMail.objects.all())}",
        "next_attempt_at": NOW,
        "created_at": NOW,
    }
    return OutboxMail.objects.create(recipient=recipient, **(values | facts))


def given_up(**facts: Any) -> OutboxMail:
    return mail(
        status=MailStatus.FAILED,
        attempts=ATTEMPTS_MAX,
        last_error="SMTPDataError: 554 no",
        **facts,
    )


@pytest.fixture
def browser(op: User) -> Client:
    return browser_of(op)


def subjects(browser: Client, query: str = "") -> list[str]:
    page = browser.get(query or OUTBOX)
    assert page.status_code == 200
    return [each.subject for each in page.context["mails"]]


def test_an_empty_outbox_says_what_will_stand_there(browser: Client) -> None:
    assert "No mail was sent yet" in browser.get(OUTBOX).content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Hi", "Invoice for rita@acme.example", "Invoice for ada@acme.example"]),
        ("?status=failed", ["Invoice for rita@acme.example"]),
        ("?kind=invitation", ["Hi"]),
        ("?find=RITA%40acme", ["Invoice for rita@acme.example"]),
        ("?find=hi", ["Hi"]),
        ("?status=failed&kind=invitation", []),
    ],
)
def test_mails_are_found_by_state_kind_and_words(
    browser: Client, query: str, found: list[str]
) -> None:
    mail()
    given_up(recipient="rita@acme.example")
    mail("nora@globex.example", kind="invitation", subject="Hi")

    assert subjects(browser, OUTBOX + query) == found


def test_pages_go_on_where_the_last_one_ended(browser: Client) -> None:
    for number in range(PAGE_LENGTH + 2):
        mail(subject=f"{number}")

    first = browser.get(OUTBOX)
    second = subjects(browser, first.context["older_url"])

    assert [each.subject for each in first.context["mails"]][-1] == "2"
    assert second == ["1", "0"]


def test_a_mail_shows_its_course_and_both_its_parts(
    browser: Client, acme: Organization
) -> None:
    failed = given_up(body_html="<p>Hello & <b>welcome</b></p>", organization=acme)
    page = browser.get(f"{OUTBOX}/{failed.pk}").content.decode()

    assert "SMTPDataError: 554 no" in page
    assert "12 of 12" in page
    assert 'sandbox title="The mail as it looks" srcdoc="&lt;p&gt;Hello' in page
    assert "<b>welcome" not in page


def test_what_lets_somebody_in_is_not_shown(
    browser: Client, settings: Settings
) -> None:
    settings.MAIL_LEADS_NOWHERE = False
    link = "https://house.example/invitations/very-secret"
    secret = mail(
        body_text=f"Accept:\n\n{link}\n\nor type\n\nABCD-EFGH\n\nhere.",
        body_html=f'<a href="{link}">Accept</a>',
    )
    page = browser.get(f"{OUTBOX}/{secret.pk}").content.decode()

    assert "/invitations/…" in page
    assert "very-secret" not in page
    assert "ABCD-EFGH" not in page


def test_what_was_given_up_is_tried_once_more(
    browser: Client, op: User, settings: Settings
) -> None:
    failed = given_up()
    with mail_server() as sink:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        browser.post(f"{OUTBOX}/{failed.pk}/again")
        send_due_mail(now=NOW + timedelta(days=9999))

    failed.refresh_from_db()
    assert sink.recipients == ["ada@acme.example"]
    assert failed.status == MailStatus.SENT
    event = AuditEvent.objects.get(action="mail.sent_again")
    assert (event.actor, event.target) == (op, "ada@acme.example")


def test_one_more_try_is_one(browser: Client, settings: Settings) -> None:
    failed = given_up()
    browser.post(f"{OUTBOX}/{failed.pk}/again")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    send_due_mail(now=NOW + timedelta(days=9999))

    failed.refresh_from_db()
    assert (failed.status, failed.attempts) == (MailStatus.FAILED, ATTEMPTS_MAX + 1)


def test_to_send_again_twice_is_to_send_again_once(browser: Client) -> None:
    failed = given_up()
    for _ in range(2):
        answer = browser.post(f"{OUTBOX}/{failed.pk}/again", follow=True)

    assert "not given up any more" in answer.content.decode()
    assert AuditEvent.objects.filter(action="mail.sent_again").count() == 1


@pytest.mark.parametrize("status", [MailStatus.SENT, MailStatus.QUEUED])
def test_what_was_not_given_up_is_left_alone(browser: Client, status: str) -> None:
    sent = mail(status=status)
    before = OutboxMail.objects.values().get()
    page = browser.get(f"{OUTBOX}/{sent.pk}").content.decode()
    browser.post(f"{OUTBOX}/{sent.pk}/again")

    assert "Send again" not in page
    assert OutboxMail.objects.values().get() == before
    assert not AuditEvent.objects.filter(action="mail.sent_again").exists()


@pytest.mark.parametrize("name", ["0", "7", "x", "99999999999999999999", "²"])
def test_a_mail_that_is_not_there_is_not_found(browser: Client, name: str) -> None:
    assert browser.get(f"{OUTBOX}/{name}").status_code == 404
    assert browser.post(f"{OUTBOX}/{name}/again").status_code == 404


def test_a_list_does_not_read_what_mails_say(browser: Client) -> None:
    mail()
    with connection.execute_wrapper(refuse_bodies):
        assert len(subjects(browser)) == 1


def refuse_bodies(execute: Any, sql: str, *rest: Any) -> Any:
    assert "body_html" not in sql, sql
    return execute(sql, *rest)
