"""Log in, log out, forget the password."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from orgs.models import Organization, OutboxMail, User
from tests.factories import PASSWORD
from tests.visits import browser_of, link_mailed_to

pytestmark = pytest.mark.django_db

LOGIN = "/account/login/"


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    """Limits on guessing are counted in the cache."""
    cache.clear()


def log_in(browser: Client, email: str, password: str) -> int:
    return browser.post(LOGIN, {"login": email, "password": password}).status_code


def test_people_log_in_with_address_and_password(ada: User, acme: Organization) -> None:
    browser = Client()
    assert log_in(browser, "Ada@Acme.example", PASSWORD) == HTTPStatus.FOUND
    assert browser.get("/")["Location"] == "/o/acme/"


def test_a_wrong_password_says_no_more_than_a_wrong_address(ada: User) -> None:
    pages = [
        Client().post(LOGIN, {"login": email, "password": "wrong"}).content.decode()
        for email in ("ada@acme.example", "eve@acme.example")
    ]
    for page in pages:
        assert "are not correct" in page
        assert "_auth_user_id" not in page


def test_guessing_is_stopped(ada: User) -> None:
    for _ in range(6):
        log_in(Client(), "ada@acme.example", "wrong")
    browser = Client()
    log_in(browser, "ada@acme.example", PASSWORD)
    assert "_auth_user_id" not in browser.session


def test_logging_out_is_a_post(ada: User, acme: Organization) -> None:
    browser = browser_of(ada)
    browser.get("/account/logout/")
    assert browser.get("/account/").status_code == HTTPStatus.OK
    browser.post("/account/logout/")
    assert browser.get("/account/").status_code == HTTPStatus.FOUND


def test_nobody_signs_up_without_an_invitation() -> None:
    form = {"name": "Eve", "email": "eve@x.example", "password1": PASSWORD}
    page = Client().post("/account/signup/", form).content.decode()
    assert "by invitation" in page
    assert not User.objects.exists()


def test_a_forgotten_password_is_replaced_by_mail(ada: User) -> None:
    browser = Client()
    browser.post("/account/password/reset/", {"email": ada.email})
    answer = browser.get(link_mailed_to(ada.email))
    form = {"password1": "a brand new secret", "password2": "a brand new secret"}
    browser.post(answer["Location"], form)
    assert log_in(Client(), ada.email, "a brand new secret") == HTTPStatus.FOUND
    assert log_in(Client(), ada.email, PASSWORD) == HTTPStatus.OK


def test_the_reset_link_never_follows_the_host_header(ada: User) -> None:
    Client().post(
        "/account/password/reset/", {"email": ada.email}, HTTP_HOST="127.0.0.1:1"
    )
    mail = OutboxMail.objects.get(recipient=ada.email)
    assert f"{settings.BASE_URL}/account/password/reset/key/" in mail.body_text
    assert "127.0.0.1:1" not in mail.body_text


def test_a_used_reset_link_says_so(ada: User) -> None:
    browser = Client()
    browser.post("/account/password/reset/", {"email": ada.email})
    link = link_mailed_to(ada.email)
    User.objects.get(pk=ada.pk).set_password("x")
    ada.set_password("changed meanwhile")
    ada.save()
    assert "not valid" in browser.get(link).content.decode()


def test_an_unknown_address_gets_no_link_and_the_page_does_not_tell(ada: User) -> None:
    answers = [
        Client().post("/account/password/reset/", {"email": email}, follow=True)
        for email in (ada.email, "eve@x.example")
    ]
    assert answers[0].content == answers[1].content
    mail = OutboxMail.objects.get(recipient="eve@x.example")
    assert "There is no such account" in mail.body_text
    assert "/reset/key/" not in mail.body_text


def test_the_password_is_changed_by_who_knows_it(ada: User) -> None:
    form = {"password1": "another long one", "password2": "another long one"}
    browser_of(ada).post("/account/password/change/", {"oldpassword": "no", **form})
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)
    browser_of(ada).post("/account/password/change/", {"oldpassword": PASSWORD, **form})
    ada.refresh_from_db()
    assert ada.check_password("another long one")


@pytest.mark.parametrize(
    "page",
    [
        "login",
        "signup",
        "password/reset",
        "password/reset/done",
        "password/reset/key/done",
        "inactive",
    ],
)
def test_the_pages_before_the_door_are_in_our_look(page: str) -> None:
    text = Client().get(f"/account/{page}/").content.decode()
    assert 'class="door"' in text
    assert text.count("<h1") == 1


@pytest.mark.parametrize("page", ["logout", "password/change", "reauthenticate"])
def test_the_pages_behind_it_are_in_our_look(ada: User, page: str) -> None:
    text = browser_of(ada).get(f"/account/{page}/").content.decode()
    assert "tokenhouse.css" in text
    assert text.count("<h1") == 1


def test_addresses_of_allauth_that_are_not_in_use_do_not_exist(ada: User) -> None:
    assert browser_of(ada).get("/account/email/").status_code == HTTPStatus.NOT_FOUND


def test_a_switched_off_account_cannot_log_in(ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(is_active=False)
    browser = Client()
    log_in(browser, ada.email, PASSWORD)
    assert "_auth_user_id" not in browser.session
