"""Every form about money is sent twice, and the second time changes nothing."""

from __future__ import annotations

import pytest

from orgs.models import Organization, User
from tests.architecture import routes
from tests.architecture.forms import (
    ABOUT_MONEY,
    ELSEWHERE,
    FIRST,
    FORMS,
    OPERATORS_FORMS,
    browser_for,
    data_of,
    furnish_with_invoice,
)
from tests.architecture.routes import Addresses, everything_written
from tests.visits import browser_of

pytestmark = pytest.mark.django_db

NOT_ALLOWED = 405


@pytest.fixture
def addresses(acme: Organization, ada: User, rita: User) -> Addresses:
    return furnish_with_invoice(acme, ada, rita)


@pytest.mark.parametrize("name", FORMS)
def test_a_form_sent_twice_changes_what_it_changes_once(
    addresses: Addresses, ada: User, op: User, name: str
) -> None:
    browser = browser_for(name, ada, op)
    if name in FIRST:
        FIRST[name](addresses, browser)
    data, before = data_of(name, addresses), everything_written()

    first = browser.post(addresses.of(name), data)
    once = everything_written()
    browser.post(addresses.of(name), data)

    assert first.status_code < 400, first.content.decode()[-2000:]
    assert once != before, "nothing was done"
    assert everything_written() == once


def test_every_form_about_money_is_sent(
    addresses: Addresses, ada: User, op: User
) -> None:
    """A page that answers a visit with 405 takes forms alone."""
    takes_forms = {
        route.name
        for route in routes.all_routes()
        if route.name.startswith(ABOUT_MONEY)
        and set(route.arguments) <= set(addresses.values)
        and browser_for(route.name, ada, op).get(addresses.of(route.name)).status_code
        == NOT_ALLOWED
    }

    assert takes_forms - set(FORMS) - ELSEWHERE == set()
    assert len(takes_forms) > 30


def test_control_two_forms_add_two(
    addresses: Addresses, acme: Organization, op: User
) -> None:
    browser, before = browser_of(op), acme.credit_grants.count()
    for letter in "xy":
        data = OPERATORS_FORMS["operator:grant_credit"]
        new_id = {"new_id": f"credit_{letter * 24}"}
        browser.post(addresses.of("operator:grant_credit"), data | new_id)
    assert acme.credit_grants.count() == before + 2
