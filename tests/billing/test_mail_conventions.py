"""Every mail of the gallery keeps to what all mails have in common."""

from __future__ import annotations

import re
from datetime import datetime
from email.message import EmailMessage, Message
from html.parser import HTMLParser

import pytest
from django.core.mail import get_connection
from django.utils import timezone
from pytest_django import Settings

from billing.mail_samples.gallery import gallery
from billing.mail_samples.sample import Sample
from orgs.mail import Addressee, Draft
from orgs.models import Organization, OutboxMail
from orgs.outbox import message_of
from orgs.person_models import OptionalMail
from tests.factories import NOW

pytestmark = pytest.mark.django_db

BERLIN = Addressee("ada@acme.example", zone="Europe/Berlin", has_account=True)
SIGNATURE = "\n\n-- \nTokenhouse at "
# What the dark sheet colors, wherever a color is said in place.
COLORED = {"page", "sheet", "dim", "link", "button", "bar", "fill"}


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def samples(now: datetime) -> list[tuple[Sample, Draft]]:
    return [(sample, sample.draft(BERLIN)) for sample in gallery(now=now)]


def sent(draft: Draft, organization: Organization | None) -> EmailMessage:
    """Return a draft as it goes over the wire."""
    mail = OutboxMail(
        organization=organization,
        kind=draft.kind,
        recipient=BERLIN.email,
        subject=draft.subject,
        body_text=draft.body_text,
        body_html=draft.body_html,
        dedupe_key=f"{draft.kind}:{draft.subject}",
        next_attempt_at=NOW,
        created_at=NOW,
    )
    return message_of(mail, get_connection()).message()


def test_every_mail_has_a_written_text_and_html(now: datetime) -> None:
    for sample, draft in samples(now):
        message: Message = sent(draft, None)
        parts = [part.get_content_type() for part in message.get_payload()]  # type: ignore[union-attr]

        assert message.get_content_type() == "multipart/alternative", sample.name
        assert parts == ["text/plain", "text/html"], sample.name
        assert not re.search(r"<\w+[ >]|&amp;|&#", draft.body_text), sample.name


def test_every_text_ends_with_one_signature(now: datetime) -> None:
    for sample, draft in samples(now):
        assert draft.body_text.count(SIGNATURE) == 1, sample.name
        assert "\n\n\n" not in draft.body_text, sample.name


def test_no_answering_machine_answers(now: datetime, settings: Settings) -> None:
    settings.MAIL_REPLY_TO = "people@tokenhouse.example"
    for sample, draft in samples(now):
        message = sent(draft, None)
        assert message["Auto-Submitted"] == "auto-generated", sample.name
        assert message["X-Auto-Response-Suppress"] == "All", sample.name
        assert message["Reply-To"] == "people@tokenhouse.example", sample.name


def test_optional_mails_alone_can_be_refused(now: datetime, acme: Organization) -> None:
    for sample, draft in samples(now):
        message = sent(draft, acme)
        is_optional = draft.kind in OptionalMail.values

        assert ("List-Unsubscribe" in message) == is_optional, sample.name
        assert ("List-Unsubscribe-Post" in message) == is_optional, sample.name
        assert ("Stop these mails" in draft.body_text) == is_optional, sample.name
        assert ("Stop these mails" in draft.body_html) == is_optional, sample.name


def test_times_are_the_recipients_and_name_their_zone(now: datetime) -> None:
    count = 0
    for sample, draft in samples(now):
        for body in (draft.body_text, draft.body_html):
            for time in re.finditer(r"\b\d\d:\d\d\b(?!:)(.{0,5})", body):
                assert time[1].startswith((" CET", " CEST")), (sample.name, time[0])
                count += 1
    assert count > 20


class Colors(HTMLParser):
    """Finds elements with a color of their own that no dark sheet reaches."""

    def __init__(self) -> None:
        super().__init__()
        self.unreached: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        is_colored = re.search(
            r"(?:^|;|background-)(?:color|background):", values.get("style", "")
        )
        if is_colored and not set(values.get("class", "").split()) & COLORED:
            self.unreached.append(self.get_starttag_text() or tag)


def test_every_color_has_one_for_the_dark(now: datetime) -> None:
    for sample, draft in samples(now):
        colors = Colors()
        colors.feed(draft.body_html)
        assert colors.unreached == [], sample.name
        assert "prefers-color-scheme: dark" in draft.body_html, sample.name


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(now: datetime) -> None:
    for sample, draft in samples(now):
        assert not re.search(
            r"<(img|script|link|iframe|form)\b|url\(", draft.body_html
        ), sample.name
