"""Every organization page refuses strangers, and owners' forms refuse readers."""

from __future__ import annotations

import pytest
from django.urls import reverse

from billing.models import SpendLimits
from orgs.models import Organization, Role, User
from tests.architecture import routes
from tests.architecture.routes import Addresses, Route
from tests.factories import usd
from tests.visits import browser_of

pytestmark = pytest.mark.django_db

NOT_FOUND, NOT_ALLOWED, FORBIDDEN, UNREADABLE = 404, 405, 403, 400
FORMS = (*routes.MEMBER_FORMS, *routes.OWNER_FORMS, *routes.PROVIDER_FORMS)


@pytest.fixture
def addresses(acme: Organization, ada: User, rita: User) -> Addresses:
    return routes.furnish(acme, ada, rita)


def test_every_route_of_an_organization_is_listed() -> None:
    found = sorted(route.name for route in routes.organization_routes())

    assert found == sorted(routes.ALL_ROUTES)


@pytest.mark.parametrize("name", routes.ALL_ROUTES)
def test_every_route_of_an_organization_names_its_permission(name: str) -> None:
    permission = routes.permission_of(name)

    assert permission is not None
    owners = (*routes.OWNER_FORMS, *routes.OWNER_PAGES, *routes.PROVIDER_FORMS)
    is_owners = name in owners
    assert permission.is_given_to(Role.READER) == (not is_owners)


@pytest.mark.parametrize("name", routes.ALL_ROUTES)
def test_a_stranger_finds_nothing_and_changes_nothing(
    addresses: Addresses, globex: Organization, oscar: User, name: str
) -> None:
    browser, url = browser_of(oscar), addresses.of(name)
    before = routes.everything_written()

    read = browser.get(url)
    sent = browser.post(url, routes.OWNER_FORMS.get(name, {}))

    assert {read.status_code, sent.status_code} <= {NOT_FOUND, NOT_ALLOWED}
    assert NOT_FOUND in {read.status_code, sent.status_code}
    assert "Acme" not in read.content.decode() + sent.content.decode()
    assert routes.everything_written() == before


@pytest.mark.parametrize("name", routes.ALL_ROUTES)
def test_a_stranger_cannot_tell_an_organization_from_none(
    addresses: Addresses, globex: Organization, oscar: User, name: str
) -> None:
    browser, url = browser_of(oscar), addresses.of(name)
    nowhere = url.replace("/o/acme", "/o/acne", 1)
    assert url != nowhere

    for method in (browser.get, browser.post):
        assert method(url).status_code == method(nowhere).status_code


@pytest.mark.parametrize("name", routes.ALL_ROUTES)
def test_nobody_in_particular_is_asked_to_log_in(
    addresses: Addresses, name: str
) -> None:
    browser, url = browser_of(None), addresses.of(name)
    before = routes.everything_written()

    for answer in (browser.get(url), browser.post(url)):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(reverse("account_login"))
    assert routes.everything_written() == before


@pytest.mark.parametrize("wrong", ["%00", "%C3%A9", "key_%20"])
def test_an_id_that_cannot_be_one_names_nothing(
    addresses: Addresses, ada: User, wrong: str
) -> None:
    browser, before = browser_of(ada), routes.everything_written()
    named = [
        (route.name, argument)
        for route in routes.organization_routes()
        for argument in route.arguments - {"slug"}
    ]

    for name, argument in named:
        url = addresses.of(name).replace(addresses.values[argument], wrong)
        answers = {browser.get(url).status_code, browser.post(url).status_code}
        assert answers == {UNREADABLE if wrong == "%00" else NOT_FOUND}, name
    assert routes.everything_written() == before


@pytest.mark.parametrize("name", routes.OWNER_FORMS)
def test_a_reader_who_sends_an_owners_form_is_refused_and_changes_nothing(
    addresses: Addresses, rita: User, name: str
) -> None:
    browser, url = browser_of(rita), addresses.of(name)
    before = routes.everything_written()

    answer = browser.post(url, routes.OWNER_FORMS[name])

    assert answer.status_code == FORBIDDEN
    assert routes.everything_written() == before


@pytest.mark.parametrize("name", routes.OWNER_FORMS)
def test_control_the_same_form_sent_by_an_owner_changes_something(
    addresses: Addresses, acme: Organization, ada: User, name: str
) -> None:
    SpendLimits.objects.update_or_create(
        organization=acme,
        defaults={
            "hard_limit_nanos": usd(50),
            "approved_limit_nanos": usd(120),
            "key_default_nanos": usd(30),
            "member_default_nanos": usd(30),
        },
    )
    if name == "billing:request_increase":
        browser_of(ada).post(addresses.of("billing:withdraw_request"))
    if name == "billing:unlink_pair":
        browser_of(ada).post(addresses.of("billing:create_pair"))
    browser, url = browser_of(ada), addresses.of(name)
    before = routes.everything_written()

    answer = browser.post(url, routes.OWNER_FORMS[name])

    assert answer.status_code == 302
    assert routes.everything_written() != before


@pytest.mark.parametrize("name", routes.OWNER_PAGES)
def test_a_reader_is_refused_an_owners_page(
    addresses: Addresses, rita: User, name: str
) -> None:
    browser, before = browser_of(rita), routes.everything_written()

    answer = browser.get(addresses.of(name))

    assert answer.status_code == FORBIDDEN
    assert routes.everything_written() == before


@pytest.mark.parametrize("name", [*routes.READER_PAGES, *routes.OWNER_PAGES])
def test_reading_a_page_changes_nothing(
    addresses: Addresses, ada: User, name: str
) -> None:
    browser, url = browser_of(ada), addresses.of(name)
    before = routes.everything_written()

    assert browser.get(url).status_code in {200, 302}
    assert browser.post(url).status_code == NOT_ALLOWED
    assert routes.everything_written() == before


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_not_sent_by_following_a_link(
    addresses: Addresses, ada: User, name: str
) -> None:
    browser, url = browser_of(ada), addresses.of(name)
    before = routes.everything_written()

    assert browser.get(url).status_code == NOT_ALLOWED
    assert routes.everything_written() == before


def other_routes() -> list[Route]:
    routes_of_others = [r for r in routes.all_routes() if "slug" not in r.arguments]
    return [
        route
        for route in routes_of_others
        if route.name not in routes.PUBLIC and route not in api_routes()
    ]


def api_routes() -> list[Route]:
    return [route for route in routes.all_routes() if route.name.startswith("api_")]


@pytest.mark.parametrize("route", api_routes(), ids=lambda route: route.name)
def test_every_route_of_the_api_asks_for_a_key_and_looks_at_no_session(
    route: Route, ada: User, acme: Organization
) -> None:
    values = {name: routes.OTHER_ARGUMENTS[name] for name in route.arguments}

    browser, url = browser_of(ada), reverse(route.name, kwargs=values)
    answer = browser.get(url)
    if answer.status_code == NOT_ALLOWED:
        answer = browser.post(url)

    nothing = route.name in ("api_nothing", "api_nothing_of_old")
    assert answer.status_code == (404 if nothing else 401)
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize("route", other_routes(), ids=lambda route: route.name)
def test_every_other_page_asks_to_log_in_but_those_listed(route: Route) -> None:
    values = {name: routes.OTHER_ARGUMENTS[name] for name in route.arguments}

    answer = browser_of(None).get(reverse(route.name, kwargs=values))

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(reverse("account_login"))


def test_every_page_listed_as_public_exists() -> None:
    names = {route.name for route in routes.all_routes()}

    assert set(routes.PUBLIC) <= names
