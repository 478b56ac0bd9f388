"""Strangers make accounts where that is open, and show that the address is theirs."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from orgs.models import OutboxMail, User
from tests.factories import PASSWORD
from tests.visits import is_logged_in

pytestmark = pytest.mark.django_db

SIGN_UP, CONFIRM = "/account/signup/", "/account/confirm-email/"
NINA = {"name": "Nina  Roe", "email": "Nina@roe.example", "password1": PASSWORD}


@pytest.fixture(autouse=True)
def _open(settings: Settings) -> None:
    settings.SIGNUP = "open"
    cache.clear()


def mailed_code(email: str) -> str:
    body = OutboxMail.objects.filter(recipient=email).latest("pk").body_text
    found = re.search(r"^([A-Z0-9]{3,}(?:-[A-Z0-9]{3,})?)$", body, re.MULTILINE)
    assert found, body
    return found[1]


def test_a_stranger_signs_up_with_a_mailed_code() -> None:
    browser = Client()
    browser.post(SIGN_UP, NINA)
    assert not is_logged_in(browser)
    browser.post(CONFIRM, {"code": mailed_code("nina@roe.example")})
    assert is_logged_in(browser)
    nina = User.objects.get()
    assert (nina.email, nina.name) == ("nina@roe.example", "Nina Roe")
    assert EmailAddress.objects.get(user=nina).verified


def test_a_wrong_code_lets_nobody_in() -> None:
    browser = Client()
    browser.post(SIGN_UP, NINA)
    for _ in range(4):
        browser.post(CONFIRM, {"code": "AAAAAA"})
    browser.post(CONFIRM, {"code": mailed_code("nina@roe.example")})
    assert not is_logged_in(browser)
    assert not EmailAddress.objects.get().verified


def test_the_code_works_only_where_it_was_asked_for() -> None:
    Client().post(SIGN_UP, NINA)
    elsewhere = Client()
    elsewhere.post(CONFIRM, {"code": mailed_code("nina@roe.example")})
    assert not is_logged_in(elsewhere)
    assert not EmailAddress.objects.get().verified


def test_without_the_code_the_password_opens_nothing() -> None:
    Client().post(SIGN_UP, NINA)
    cache.clear()
    browser = Client()
    form = {"login": "nina@roe.example", "password": PASSWORD}
    assert browser.post("/account/login/", form)["Location"] == CONFIRM
    assert not is_logged_in(browser)
    assert browser.get("/account/").status_code == 302


def test_a_known_address_looks_like_a_new_one(ada: User) -> None:
    known, new = Client(), Client()
    answers = [
        known.post(SIGN_UP, {**NINA, "email": ada.email}),
        new.post(SIGN_UP, NINA),
    ]
    assert answers[0].status_code == answers[1].status_code
    assert answers[0]["Location"] == answers[1]["Location"] == CONFIRM
    pages = [browser.get(CONFIRM).content.decode() for browser in (known, new)]
    assert pages[0].count("<form") == pages[1].count("<form")
    assert "already" in OutboxMail.objects.get(recipient=ada.email).subject
    ada.refresh_from_db()
    assert ada.name == "Ada Moss"
    assert User.objects.count() == 2


def test_a_weak_password_is_refused_and_nothing_is_made() -> None:
    page = Client().post(SIGN_UP, {**NINA, "password1": "password"}).content.decode()
    assert "too common" in page
    assert not User.objects.exists()
    assert not OutboxMail.objects.exists()


def test_signing_up_over_and_over_is_stopped() -> None:
    answers = [
        Client().post(SIGN_UP, {**NINA, "email": f"n{i}@roe.example"}).status_code
        for i in range(22)
    ]
    assert answers[-1] == 429
    assert User.objects.count() <= 20
