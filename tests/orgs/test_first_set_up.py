"""An installation without an operator makes one by a secret address, once."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.test import Client

from orgs.first_set_up import is_open, set_up_address, set_up_token
from orgs.models import AuditEvent, FirstSetUp, User
from tests.factories import PASSWORD
from tests.visits import is_logged_in, log_in

pytestmark = pytest.mark.django_db

OLIVE = {"email": "Olive@House.example", "name": "Olive", "password": PASSWORD}


def page() -> str:
    return f"/set-up/{set_up_token()}"


def test_the_address_makes_the_operator_and_logs_in() -> None:
    browser = Client()
    assert set_up_address().endswith(page())
    assert browser.get(page()).status_code == HTTPStatus.OK
    browser.post(page(), OLIVE)
    olive = User.objects.get()
    assert (olive.email, olive.is_staff, olive.is_superuser) == (
        "olive@house.example",
        True,
        True,
    )
    assert is_logged_in(browser)
    assert AuditEvent.objects.get(action="installation.set_up").actor == olive
    again = Client()
    log_in(again, olive)
    assert is_logged_in(again)


def test_it_is_gone_once_there_is_an_operator(op: User) -> None:
    assert Client().get(page()).status_code == HTTPStatus.NOT_FOUND
    assert Client().post(page(), OLIVE).status_code == HTTPStatus.NOT_FOUND
    assert User.objects.count() == 1


def test_it_stays_gone_when_the_operator_goes() -> None:
    Client().post(page(), OLIVE)
    User.objects.update(is_staff=False, is_active=False)
    assert not is_open()
    assert Client().post(page(), OLIVE).status_code == HTTPStatus.NOT_FOUND
    assert FirstSetUp.objects.count() == 1


@pytest.mark.parametrize("token", ["x", "0" * 64, "-" * 64])
def test_a_wrong_token_finds_nothing(token: str) -> None:
    for method in (Client().get, Client().post):
        assert method(f"/set-up/{token}", OLIVE).status_code == HTTPStatus.NOT_FOUND
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"email": "no address"}, {"password": "12345"}, {"name": ""}]
)
def test_a_wrong_entry_makes_nobody(wrong: dict[str, str]) -> None:
    answer = Client().post(page(), OLIVE | wrong)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert not User.objects.exists()
    assert is_open()


def test_an_account_is_not_turned_into_the_operator(ada: User) -> None:
    answer = Client().post(page(), OLIVE | {"email": ada.email})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    ada.refresh_from_db()
    assert not ada.is_staff
    assert ada.check_password(PASSWORD)


def test_the_page_keeps_its_address_to_itself() -> None:
    answer = Client().get(page())
    assert answer["Referrer-Policy"] == "strict-origin"
    assert "no-store" in answer["Cache-Control"]
