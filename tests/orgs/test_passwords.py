"""Passwords that anybody who knows the place would try."""

from __future__ import annotations

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from pytest_django import Settings

from orgs.models import Organization, User
from tests.factories import PASSWORD
from tests.visits import browser_of, is_logged_in, log_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _host(settings: Settings) -> None:
    settings.BASE_URL = "https://llm.initech.example"


@pytest.mark.parametrize("password", ["Tokenhouse2026!", "initech-12345", "acme-2026"])
def test_names_of_this_place_do_not_make_a_password(
    ada: User, acme: Organization, password: str
) -> None:
    with pytest.raises(ValidationError, match="too short"):
        validate_password(password, ada)


def test_the_name_of_anothers_organization_is_like_any_word(
    ada: User, globex: Organization
) -> None:
    # To refuse it would tell that there is such an organization.
    validate_password("globex-2026", ada)


@pytest.mark.parametrize("password", ["acme rivers 4711", "quiet tokenhouse rivers"])
def test_a_name_among_other_things_is_fine(
    ada: User, acme: Organization, password: str
) -> None:
    validate_password(password, ada)


def test_it_is_said_on_the_page_and_nothing_changes(
    ada: User, acme: Organization
) -> None:
    form = {
        "oldpassword": PASSWORD,
        "password1": "acme-2026!",
        "password2": "acme-2026!",
    }
    page = browser_of(ada).post("/account/password/change/", form).content.decode()
    assert "the password is too short" in page
    visitor = Client()
    log_in(visitor, ada)
    assert is_logged_in(visitor)
