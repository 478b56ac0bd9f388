"""What people settle for themselves: profile, mails, sessions."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.test import Client

from orgs.models import AuditEvent, Organization, User
from tests.visits import browser_of, is_logged_in, log_in

pytestmark = pytest.mark.django_db

PROFILE = "/account/profile/"


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


def test_name_and_time_zone_are_changed(ada: User, acme: Organization) -> None:
    form = {"name": " Ada  Roe ", "time_zone": "Europe/Berlin"}
    page = browser_of(ada).post(PROFILE, form, follow=True).content.decode()
    ada.refresh_from_db()
    assert (ada.name, ada.time_zone) == ("Ada Roe", "Europe/Berlin")
    assert "Your profile is saved" in page
    event = AuditEvent.objects.get(action="user.updated")
    assert event.details["before"] == {"name": "Ada Moss", "time_zone": "UTC"}


@pytest.mark.parametrize("zone", ["Mars/Base", "../etc/passwd", ""])
def test_a_zone_that_is_none_changes_nothing(ada: User, zone: str) -> None:
    answer = browser_of(ada).post(PROFILE, {"name": "Ada", "time_zone": zone})
    assert answer.status_code == 422
    ada.refresh_from_db()
    assert (ada.name, ada.time_zone) == ("Ada Moss", "UTC")
    assert not AuditEvent.objects.exists()


def two_browsers(user: User) -> tuple[Client, Client]:
    browsers = Client(), Client(HTTP_USER_AGENT="A phone of 2026")
    for browser in browsers:
        log_in(browser, user)
        assert is_logged_in(browser)
    return browsers


def test_the_sessions_are_listed(ada: User) -> None:
    here, _ = two_browsers(ada)
    page = here.get("/account/sessions/").content.decode()
    assert "A phone of 2026" in page
    assert "This one" in page


def test_all_other_sessions_are_ended_at_once(ada: User) -> None:
    here, elsewhere = two_browsers(ada)
    here.post("/account/sessions/")
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302


def end(session: UserSession) -> str:
    return f"/account/sessions/{session.pk}/end/"


def test_one_session_is_ended_and_no_other(ada: User) -> None:
    here, elsewhere = two_browsers(ada)
    third, _ = two_browsers(ada)
    phone = UserSession.objects.get(session_key=elsewhere.session.session_key)
    here.post(end(phone))
    assert elsewhere.get("/account/").status_code == 302
    assert here.get("/account/").status_code == third.get("/account/").status_code
    event = AuditEvent.objects.get(action="user.session_ended")
    assert event.details["before"]["browser"] == "A phone of 2026"


def test_the_session_in_use_is_not_ended_by_mistake(ada: User) -> None:
    here, _ = two_browsers(ada)
    current = UserSession.objects.get(session_key=here.session.session_key)
    here.post(end(current))
    assert here.get("/account/").status_code == 200


def test_a_session_of_somebody_else_is_not_there(ada: User, oscar: User) -> None:
    here, _ = two_browsers(ada)
    stranger, _ = two_browsers(oscar)
    adas = UserSession.objects.filter(user=ada)[0]
    assert stranger.post(end(adas)).status_code == 404
    assert here.get("/account/").status_code == 200
    assert not AuditEvent.objects.filter(action="user.session_ended").exists()


def test_nobody_ends_the_sessions_of_others(ada: User, oscar: User) -> None:
    here, elsewhere = two_browsers(ada)
    stranger, _ = two_browsers(oscar)
    stranger.post("/account/sessions/")
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 200


def test_a_changed_password_ends_all_other_sessions(ada: User) -> None:
    here, elsewhere = two_browsers(ada)
    form = {
        "oldpassword": "correct horse battery staple",
        "password1": "another long one",
        "password2": "another long one",
    }
    here.post("/account/password/change/", form)
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302
    assert AuditEvent.objects.filter(action="user.password_changed").count() == 1


def test_a_session_ends_with_the_account(ada: User) -> None:
    here, _ = two_browsers(ada)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert here.get("/account/").status_code == 302
