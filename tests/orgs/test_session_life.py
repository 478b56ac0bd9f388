"""However busy a session is, it ends."""

from __future__ import annotations

import pytest
from django.test import Client

from orgs.models import Organization, User
from orgs.session_life import BEGAN_AT, LONGEST
from tests.visits import browser_of, is_logged_in

pytestmark = pytest.mark.django_db


def lives_on(browser: Client, *, seconds_later: float) -> bool:
    """Say whether somebody is logged in still, so long after the session began."""
    session = browser.session
    session[BEGAN_AT] -= seconds_later
    session.save()
    browser.get("/account/")
    return is_logged_in(browser)


def test_a_session_ends_when_its_longest_life_is_over(
    ada: User, acme: Organization
) -> None:
    browser = browser_of(ada)
    browser.get("/account/")
    assert lives_on(browser, seconds_later=LONGEST.total_seconds() - 60)

    assert not lives_on(browser, seconds_later=61)


def test_what_a_session_keeps_does_not_prolong_it(
    ada: User, acme: Organization
) -> None:
    browser = browser_of(ada)
    browser.get("/account/")
    began_at = browser.session[BEGAN_AT]

    browser.post("/account/profile/", {"name": "Ada", "time_zone": "UTC"}, follow=True)

    assert browser.session[BEGAN_AT] == began_at
