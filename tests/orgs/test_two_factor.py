"""A second factor is asked for, whichever way somebody comes in."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client

from orgs.models import AuditEvent, OutboxMail, User
from tests.factories import PASSWORD
from tests.factors import give_app, recovery_code_of, set_up_app
from tests.visits import browser_of, confirm, is_logged_in, link_mailed_to, log_in

pytestmark = pytest.mark.django_db

FACTOR, SET_UP = "/account/two-factor/authenticate/", "/account/two-factor/app/"


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def browser(ada: User) -> Client:
    """Ada's browser, in which she has just logged in and confirmed who she is."""
    browser = Client()
    log_in(browser, ada)
    confirm(browser)
    return browser


def test_an_app_is_set_up_with_its_code(browser: Client) -> None:
    set_up_app(browser)
    kinds = set(Authenticator.objects.values_list("type", flat=True))
    assert kinds == {"totp", "recovery_codes"}
    added = AuditEvent.objects.filter(action="user.two_factor_added")
    assert {event.details["kind"] for event in added} == kinds


def test_a_wrong_code_sets_nothing_up(browser: Client) -> None:
    browser.get(SET_UP)
    page = browser.post(SET_UP, {"code": "000000"}).content.decode()
    assert "Incorrect code" in page
    assert not Authenticator.objects.exists()
    assert not AuditEvent.objects.filter(action__startswith="user.").exists()


def test_secrets_of_factors_are_encrypted(browser: Client) -> None:
    app = set_up_app(browser)
    for authenticator in Authenticator.objects.all():
        assert app.secret not in str(authenticator.data)
        assert "v1." in str(authenticator.data)


def test_the_password_alone_opens_nothing(ada: User) -> None:
    give_app(ada)
    browser = Client()
    log_in(browser, ada)
    assert not is_logged_in(browser)
    assert browser.get("/account/").status_code == 302
    browser.post(FACTOR, {"code": "000000"})
    assert not is_logged_in(browser)


def test_the_code_opens_and_works_once(ada: User) -> None:
    code = give_app(ada).code()
    first, second = Client(), Client()
    for browser in (first, second):
        log_in(browser, ada)
        browser.post(FACTOR, {"code": code})
    assert is_logged_in(first)
    assert not is_logged_in(second)


def test_a_recovery_code_opens_and_works_once(ada: User) -> None:
    give_app(ada)
    code = recovery_code_of(ada)
    first, second = Client(), Client()
    for browser in (first, second):
        log_in(browser, ada)
        browser.post(FACTOR, {"code": code})
    assert is_logged_in(first)
    assert not is_logged_in(second)


def test_guessing_codes_is_stopped(ada: User) -> None:
    app = give_app(ada)
    browser = Client()
    log_in(browser, ada)
    for _ in range(6):
        browser.post(FACTOR, {"code": "000000"})
    browser.post(FACTOR, {"code": app.code()})
    assert not is_logged_in(browser)


def test_a_reset_password_does_not_skip_the_factor(ada: User) -> None:
    give_app(ada)
    browser = Client()
    browser.post("/account/password/reset/", {"email": ada.email})
    answer = browser.get(link_mailed_to(ada.email))
    form = {"password1": "a brand new secret", "password2": "a brand new secret"}
    browser.post(answer["Location"], form)
    assert not is_logged_in(browser)
    log_in(browser, ada, "a brand new secret")
    assert not is_logged_in(browser)
    assert Authenticator.objects.filter(user=ada, type="totp").exists()


def test_the_operators_door_does_not_skip_it(op: User) -> None:
    give_app(op)
    browser = Client()
    form = {"login": op.email, "password": PASSWORD, "next": "/operator/admin/"}
    browser.post("/operator/admin/login/", form, follow=True)
    log_in(browser, op)
    assert not is_logged_in(browser)
    assert browser.get("/operator/admin/").status_code == 302


def test_a_stale_session_confirms_before_it_changes_factors(ada: User) -> None:
    give_app(ada)
    # Logged in without a trace of how, as after a long while.
    browser = browser_of(ada)
    for page in ("app/remove/", "recovery-codes/", "recovery-codes/new/"):
        assert browser.post(f"/account/two-factor/{page}").status_code in {302, 405}
    assert Authenticator.objects.filter(user=ada).count() == 2
    answer = browser.get("/account/two-factor/recovery-codes/")
    assert "reauthenticate" in answer["Location"]


def test_removing_the_app_is_told_and_recorded(ada: User, browser: Client) -> None:
    set_up_app(browser)
    browser.post("/account/two-factor/app/remove/")
    assert not Authenticator.objects.exists()
    assert OutboxMail.objects.filter(subject__contains="was removed").exists()
    removed = AuditEvent.objects.filter(action="user.two_factor_removed", actor=ada)
    assert removed.count() == 2


PAGES = ["", "app/", "passkeys/", "passkeys/add/"]


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_are_in_our_look(browser: Client, page: str) -> None:
    text = browser.get(f"/account/two-factor/{page}").content.decode()
    assert "tokenhouse.css" in text
    assert text.count("<h1") == 1


def test_the_pages_of_one_with_an_app_are_in_our_look(browser: Client) -> None:
    set_up_app(browser)
    for page in ("", "app/remove/", "recovery-codes/", "recovery-codes/new/"):
        text = browser.get(f"/account/two-factor/{page}").content.decode()
        assert "tokenhouse.css" in text, page
        assert text.count("<h1") == 1, page
