"""People read moments by their own clock; cycles, days, mails and files stay in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.template import Context, Template

from core.zones import read_in
from keys.models import ApiKey, KeyUse
from orgs.models import AuditEvent, Membership, Organization, OutboxMail, User
from tests.architecture.source import CHECKOUT
from tests.factories import suspend
from tests.usage_factories import add_record, make_key
from tests.visits import browser_of

pytestmark = pytest.mark.django_db
# The last hour of November in UTC, already December in Paris.
AT = datetime(2026, 11, 30, 23, 30, 5, tzinfo=UTC)


def shown(zone: str, style: str = "minutes") -> str:
    template = Template('{{ at|moment:"' + style + '" }}')
    with read_in(lambda: zone):
        return template.render(Context({"at": AT}))


@pytest.mark.parametrize(
    ("zone", "style", "text"),
    [
        ("UTC", "minutes", "30 Nov 2026, 23:30 UTC"),
        ("Europe/Paris", "minutes", "1 Dec 2026, 00:30 CET"),
        ("America/New_York", "seconds", "30 Nov 2026, 18:30:05 EST"),
        ("Asia/Bangkok", "minutes", "1 Dec 2026, 06:30 UTC+07"),
        ("Europe/Paris", "day", "1 Dec 2026"),
        ("Europe/Atlantis", "minutes", "30 Nov 2026, 23:30 UTC"),
    ],
)
def test_a_moment_is_shown_by_the_readers_clock(
    zone: str, style: str, text: str
) -> None:
    assert f">{text}</time>" in shown(zone, style)
    assert 'datetime="2026-11-30T23:30:05+00:00"' in shown(zone, style)
    assert 'title="30 Nov 2026, 23:30:05 UTC"' in shown(zone, style)


@pytest.fixture
def parisian(ada: User, acme: Organization) -> User:
    """Ada in Paris, with everything at one moment."""
    User.objects.filter(pk=ada.pk).update(time_zone="Europe/Paris")
    Membership.objects.update(created_at=AT)
    key = make_key("Support bot", organization=acme)
    ApiKey.objects.update(created_at=AT)
    KeyUse.objects.create(organization=acme, api_key=key, last_used_at=AT, model="m")
    add_record(acme, at=AT, cost_nanos=5, api_key=key)
    AuditEvent.objects.create(organization=acme, action="test.done", created_at=AT)
    ada.refresh_from_db()
    return ada


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("members", "1 Dec 2026"),
        ("keys", "1 Dec 2026"),
        ("usage/records?cycle=2026-11", "1 Dec 2026, 00:30:05 CET"),
        ("audit", "1 Dec 2026, 00:30:05 CET"),
    ],
)
def test_pages_show_the_readers_time(parisian: User, page: str, text: str) -> None:
    answer = browser_of(parisian).get(f"/o/acme/{page}").content.decode()
    assert f">{text}</time>" in answer
    assert "30 Nov 2026</time>" not in answer


def test_a_record_stays_in_the_cycle_that_utc_says(parisian: User) -> None:
    browser = browser_of(parisian)
    november = browser.get("/o/acme/usage/records?cycle=2026-11").content.decode()
    assert "November 2026" in november
    assert "1 Dec 2026, 00:30:05 CET" in november


def test_who_is_not_logged_in_reads_utc(acme: Organization) -> None:
    assert "23:30 UTC" in shown("UTC")
    with read_in(lambda: "Europe/Paris"):
        pass
    assert "23:30 UTC" in Template("{{ at|moment }}").render(Context({"at": AT}))


def test_mails_are_in_utc_whoever_causes_them(parisian: User, op: User) -> None:
    User.objects.filter(pk=op.pk).update(time_zone="Asia/Tokyo")
    browser_of(parisian).post(
        "/o/acme/members/invite", {"emails": "zoe@x.example", "role": "reader"}
    )
    body = OutboxMail.objects.get().body_text
    assert " UTC." in body
    assert "CET" not in body


def test_the_suspension_is_told_in_the_readers_time(parisian: User) -> None:
    organization = Organization.objects.get(slug="acme")
    suspend(organization)
    Organization.objects.update(suspended_at=AT)
    page = browser_of(parisian).get("/o/acme/members").content.decode()
    assert "1 Dec 2026, 00:30 CET" in page


def test_pages_write_clock_times_in_one_way() -> None:
    """So that none shows another zone than the reader's by oversight."""
    pages = (CHECKOUT / "templates").rglob("*.html")
    others = [
        page.name
        for page in pages
        if "emails" not in page.parts
        and any(f'|date:"{start}' in page.read_text() for start in ("j M Y, H", "H:"))
    ]
    assert others == []
