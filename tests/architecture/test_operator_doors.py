"""The operator's pages are there for operators, and for nobody else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orgs.models import Organization, User
from tests.architecture import routes
from tests.architecture.routes import Addresses
from tests.visits import browser_of

pytestmark = pytest.mark.django_db

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
OK, FOUND, NOT_FOUND, NOT_ALLOWED = 200, 302, 404, 405


@pytest.fixture
def addresses(acme: Organization, ada: User, rita: User) -> Addresses:
    return routes.furnish(acme, ada, rita)


def test_every_page_below_operator_is_for_operators_alone() -> None:
    below = {
        route.name
        for route in routes.all_routes()
        if route.path.startswith("/operator/")
    }

    assert {route.name for route in routes.operator_routes()} == below
    assert len(below) > 1


def nobody(op: User) -> None:
    return None


def put_out(op: User) -> User:
    """Return an operator whose account was ended while they were logged in."""
    User.objects.filter(pk=op.pk).update(is_active=False)
    return op


@pytest.mark.parametrize("name", ["ada", "rita", "oscar"])
def test_to_whoever_is_no_operator_there_is_nothing(
    addresses: Addresses, request: pytest.FixtureRequest, name: str
) -> None:
    browser = browser_of(request.getfixturevalue(name))
    before, seen = routes.everything_written(), 0
    for route in routes.operator_routes():
        for method in METHODS:
            answer = getattr(browser, method)(addresses.of(route.name))
            seen += 1
            assert answer.status_code in {NOT_FOUND, NOT_ALLOWED}, (method, route)
            assert b"Acme" not in answer.content
    assert routes.everything_written() == before
    assert seen == len(METHODS) * len(routes.operator_routes())


@pytest.mark.parametrize("who", [nobody, put_out])
def test_who_is_not_logged_in_is_asked_to(
    addresses: Addresses, op: User, who: Callable[[User], User | None]
) -> None:
    session = browser_of(op)
    browser = session if who(op) else browser_of(None)
    before = routes.everything_written()

    for route in routes.operator_routes():
        assert browser.get(addresses.of(route.name)).status_code == FOUND
        assert browser.post(addresses.of(route.name)).status_code == FOUND
    assert routes.everything_written() == before


def test_reading_an_operators_page_changes_nothing(
    addresses: Addresses, op: User
) -> None:
    browser = browser_of(op)
    # That an operator comes is noted, once.
    browser.get("/operator/")
    before = routes.everything_written()

    statuses = {
        route.name: browser.get(addresses.of(route.name)).status_code
        for route in routes.operator_routes()
    }

    assert set(statuses.values()) <= {OK, FOUND, NOT_ALLOWED}
    assert statuses["operator:organizations"] == OK
    assert routes.everything_written() == before
