"""By which clock an organization's usage is shown: set by owners, and noted."""

from __future__ import annotations

import pytest

from orgs.models import AuditEvent, Organization, User
from tests.visits import browser_of

pytestmark = pytest.mark.django_db
URL = "/o/acme/settings/time-zone"


def changes_of(acme: Organization) -> list[object]:
    events = AuditEvent.objects.filter(organization=acme, action="organization.updated")
    return [event.details for event in events]


def test_an_owner_sets_the_time_zone_and_the_log_tells(
    acme: Organization, ada: User
) -> None:
    browser_of(ada).post(URL, {"time_zone": "Europe/Berlin"})

    acme.refresh_from_db()
    assert acme.time_zone == "Europe/Berlin"
    sides = {"before": {"time_zone": "UTC"}, "after": {"time_zone": "Europe/Berlin"}}
    assert changes_of(acme) == [sides]


def test_the_same_zone_again_changes_and_records_nothing(
    acme: Organization, ada: User
) -> None:
    browser_of(ada).post(URL, {"time_zone": "UTC"})

    assert changes_of(acme) == []


def test_a_zone_that_is_none_changes_nothing_and_is_explained(
    acme: Organization, ada: User
) -> None:
    answer = browser_of(ada).post(URL, {"time_zone": "Mars/Olympus"}, follow=True)

    acme.refresh_from_db()
    assert acme.time_zone == "UTC"
    assert changes_of(acme) == []
    assert "Choose one of the time zones" in answer.content.decode()


def test_the_settings_say_the_zone_and_that_cycles_stay_utc(
    acme: Organization, ada: User, rita: User
) -> None:
    Organization.objects.update(time_zone="America/New_York")

    for person in (ada, rita):
        page = browser_of(person).get("/o/acme/settings").content.decode()
        assert "America/New York" in page
        assert "stay months in UTC" in page
