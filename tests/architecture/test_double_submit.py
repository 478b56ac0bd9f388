"""Every form about money is sent twice, and the second time changes nothing."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orgs.models import Organization, User
from tests.architecture import routes
from tests.architecture.forms import (
    ELSEWHERE,
    FIRST,
    FORMS,
    OF_PEOPLE,
    OPERATORS_FORMS,
    browser_for,
    data_of,
    furnish_with_invoice,
)
from tests.architecture.routes import Addresses, everything_written
from tests.visits import browser_of

pytestmark = pytest.mark.django_db


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


def test_every_form_is_sent_twice_somewhere(
    addresses: Addresses, ada: User, op: User
) -> None:
    """A page of ours that takes forms says so when it is asked in a way it is not."""
    known = {**routes.OTHER_ARGUMENTS, **addresses.values, "token": "x"}
    takes_forms = set()
    for route in routes.all_routes():
        if ":" in route.name and set(route.arguments) <= set(known):
            values = {name: known[name] for name in route.arguments}
            answer = browser_for(route.name, ada, op).patch(
                reverse(route.name, kwargs=values)
            )
            if "POST" in answer.headers.get("Allow", ""):
                takes_forms.add(route.name)

    assert takes_forms - {*FORMS, *OF_PEOPLE} == ELSEWHERE
    assert len(takes_forms) > 70


def test_control_two_forms_add_two(
    addresses: Addresses, acme: Organization, op: User
) -> None:
    browser, before = browser_of(op), acme.credit_grants.count()
    for letter in "xy":
        data = OPERATORS_FORMS["operator:grant_credit"]
        new_id = {"new_id": f"credit_{letter * 24}"}
        browser.post(addresses.of("operator:grant_credit"), data | new_id)
    assert acme.credit_grants.count() == before + 2
