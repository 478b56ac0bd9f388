"""Every page × every method × every kind of actor × own, foreign and missing objects.

The routes come from the table of URLs and what may be done from `orgs/permissions.py`:
nothing here names a page, so that a new one is walked too.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from orgs.models import Membership, Organization, Role, User
from tests.architecture import routes
from tests.architecture.routes import Addresses, Route
from tests.factories import an_operator, join, make_user, suspend
from tests.visits import browser_of, viewing_browser_of

pytestmark = pytest.mark.django_db

READING = ("get", "head")
METHODS = (*READING, "post", "put", "patch", "delete", "options")
OK, FOUND, FORBIDDEN, NOT_FOUND, NOT_ALLOWED = 200, 302, 403, 404, 405
SLUG = "slug"
# The smallest walk that is one: fewer, and the table of URLs was not read.
FEWEST_REQUESTS = 500
WALKED = Counter[str]()


@dataclass(frozen=True)
class World:
    """Acme with something of every kind, and Globex likewise."""

    acme: Organization
    own: Addresses
    foreign: Addresses


@pytest.fixture
def world(
    acme: Organization,
    acme_staging: Organization,
    globex: Organization,
    ada: User,
    rita: User,
    oscar: User,
) -> World:
    gus = make_user("gus@globex.example")
    join(gus, globex, Role.READER)
    own = routes.furnish(acme, ada, rita)
    foreign = routes.furnish(globex, oscar, gus, unpaired_id="org-of-globex")
    return World(acme, own, foreign)


def nobody(world: World) -> Client:
    return browser_of(None)


def stranger(world: World) -> Client:
    return browser_of(User.objects.get(email="oscar@globex.example"))


def operator(world: World) -> Client:
    return browser_of(make_user("op@tokenhouse.example", is_staff=True))


def member_of_sibling(role: Role) -> Callable[[World], Client]:
    def visit(world: World) -> Client:
        user = make_user("sia@acme.example")
        assert world.acme.sibling
        join(user, world.acme.sibling, role)
        return browser_of(user)

    return visit


def removed_member(world: World) -> Client:
    user = make_user("rob@acme.example")
    membership = join(user, world.acme, Role.OWNER)
    client = browser_of(user)
    membership.delete()
    return client


def person_put_out(world: World) -> Client:
    """An owner whose account was ended while they were logged in."""
    user = make_user("otto@acme.example")
    join(user, world.acme, Role.OWNER)
    client = browser_of(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    return client


def member(role: Role) -> Callable[[World], Client]:
    def visit(world: World) -> Client:
        user = make_user("mia@acme.example")
        join(user, world.acme, role)
        return browser_of(user)

    return visit


def count(actor: str, what: str, requests: int) -> None:
    """Say how much was walked; `pytest -s` shows it, with the sum at the end."""
    WALKED[actor] += requests
    line = f"isolation of pages: {actor}, {what}: {requests:,} requests, as they should"
    sys.stdout.write(f"{line}\n")


@pytest.fixture(scope="module", autouse=True)
def _size() -> Iterator[None]:
    yield
    size = f"{WALKED.total():,} requests by {len(WALKED)} kinds of actor"
    sys.stdout.write(f"\nisolation of pages: {size}\n")


OUTSIDERS: dict[str, Callable[[World], Client]] = {
    "stranger": stranger,
    "operator": operator,
    "owner of the sibling": member_of_sibling(Role.OWNER),
    "reader of the sibling": member_of_sibling(Role.READER),
    "removed member": removed_member,
}
UNKNOWN = {"nobody": nobody, "person put out": person_put_out}
MEMBERS = {"reader": Role.READER, "owner": Role.OWNER}


def addresses_of(world: World, route: Route, *, kind: str) -> Iterator[str]:
    """Yield the page's addresses with own, foreign or missing objects."""
    own = world.own.values
    objects = sorted(route.arguments - {SLUG})
    if kind == "own":
        yield world.own.of(route.name)
        return
    for name in objects:
        other = world.foreign.values[name]
        if kind == "missing":
            other = other[:-6] + "zzzzzz" if name != "audit_id" else "audit_" + "0" * 32
        values = {**own, name: other}
        yield replace(world.own, values=values).of(route.name)
    if kind == "missing":
        yield replace(world.own, values={**own, SLUG: "acne"}).of(route.name)


def knock(browser: Client, method: str, url: str) -> HttpResponse:
    """Send a request and undo what it did."""
    with transaction.atomic():
        answer: HttpResponse = getattr(browser, method)(url)
        transaction.set_rollback(True)
    return answer


def send(browser: Client, method: str, url: str) -> HttpResponse:
    answer: HttpResponse = getattr(browser, method)(url)
    return answer


def everywhere(world: World, *kinds: str) -> Iterator[tuple[Route, str]]:
    for route in routes.organization_routes():
        for kind in kinds:
            for url in addresses_of(world, route, kind=kind):
                yield route, url


@pytest.mark.parametrize("name", OUTSIDERS)
def test_to_whoever_is_no_member_there_is_nothing(world: World, name: str) -> None:
    browser = OUTSIDERS[name](world)
    before, seen = routes.everything_written(), Counter[int]()
    for _, url in everywhere(world, "own", "foreign", "missing"):
        for method in METHODS:
            answer = send(browser, method, url)
            seen[answer.status_code] += 1
            assert answer.status_code in {NOT_FOUND, NOT_ALLOWED}, (method, url)
            assert b"Acme" not in answer.content, (method, url)
    assert routes.everything_written() == before
    assert seen.total() > FEWEST_REQUESTS
    count(name, "every object", seen.total())


@pytest.mark.parametrize("name", UNKNOWN)
def test_who_is_not_logged_in_is_asked_to(world: World, name: str) -> None:
    browser = UNKNOWN[name](world)
    before, seen = routes.everything_written(), 0
    for _, url in everywhere(world, "own", "foreign", "missing"):
        for method in METHODS:
            answer = send(browser, method, url)
            seen += 1
            assert answer.status_code == FOUND, (method, url)
            assert answer.headers["Location"].startswith(reverse("account_login"))
    assert routes.everything_written() == before
    assert seen > FEWEST_REQUESTS
    count(name, "every object", seen)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_finds_no_object_of_others(world: World, name: str) -> None:
    browser = member(MEMBERS[name])(world)
    before, seen = routes.everything_written(), 0
    for route, url in everywhere(world, "foreign", "missing"):
        for method in METHODS:
            status = send(browser, method, url).status_code
            seen += 1
            assert status in {FORBIDDEN, NOT_FOUND, NOT_ALLOWED}, (method, url)
            if status == FORBIDDEN:
                # Says what the member lacks, before any object is looked for.
                assert not allowed(route, MEMBERS[name]), (method, url)
    assert routes.everything_written() == before
    assert seen > FEWEST_REQUESTS / 2
    count(name, "foreign and missing objects", seen)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_is_refused_what_the_role_lacks_and_nothing_else(
    world: World, name: str
) -> None:
    browser = member(MEMBERS[name])(world)
    before, seen = routes.everything_written(), 0
    for route, url in everywhere(world, "own"):
        for method in METHODS:
            status = knock(browser, method, url).status_code
            seen += 1
            if allowed(route, MEMBERS[name]):
                assert status != FORBIDDEN, (method, url)
            else:
                assert status in {FORBIDDEN, NOT_ALLOWED}, (method, url)
    assert routes.everything_written() == before
    count(name, "own objects", seen)


@pytest.mark.parametrize("name", MEMBERS)
def test_while_suspended_a_member_may_do_all_but_spend(world: World, name: str) -> None:
    browser = member(MEMBERS[name])(world)
    suspend(world.acme)
    before, seen = routes.everything_written(), 0
    for route, url in everywhere(world, "own"):
        is_there = routes.is_there_while_suspended(route.name)
        for method in METHODS:
            status = knock(browser, method, url).status_code
            seen += 1
            if allowed(route, MEMBERS[name]) and is_there:
                assert status != FORBIDDEN, (method, url)
            else:
                assert status in {FORBIDDEN, NOT_ALLOWED}, (method, url)
    assert routes.everything_written() == before
    count(f"{name} while suspended", "own objects", seen)


def test_an_operator_who_views_reads_as_an_owner_and_does_nothing_else(
    world: World,
) -> None:
    browser = viewing_browser_of(an_operator(), world.acme, reason="To see all of it")
    before, seen = routes.everything_written(), 0
    pages = {*routes.READER_PAGES, *routes.OWNER_PAGES}
    for route, url in everywhere(world, "own"):
        for method in METHODS:
            status = knock(browser, method, url).status_code
            seen += 1
            if route.name in pages and method in READING:
                assert status in {OK, FOUND}, (method, url)
            else:
                assert status in {FORBIDDEN, NOT_ALLOWED}, (method, url)
    assert routes.everything_written() == before
    count("operator viewing", "own objects", seen)


def test_an_operator_who_views_finds_no_object_of_others(world: World) -> None:
    browser = viewing_browser_of(an_operator(), world.acme, reason="To see all of it")
    before, seen = routes.everything_written(), 0
    for _, url in everywhere(world, "foreign", "missing"):
        for method in METHODS:
            answer = send(browser, method, url)
            seen += 1
            assert answer.status_code in {FORBIDDEN, NOT_FOUND, NOT_ALLOWED}, url
            if method in READING:
                assert answer.status_code != FORBIDDEN, (method, url)
    for route in routes.organization_routes():
        for method in METHODS:
            answer = send(browser, method, world.foreign.of(route.name))
            seen += 1
            assert answer.status_code in {NOT_FOUND, NOT_ALLOWED}, (method, route)
    assert routes.everything_written() == before
    assert seen > FEWEST_REQUESTS
    count("operator viewing", "foreign and missing objects", seen)


def allowed(route: Route, role: Role) -> bool:
    permission = routes.permission_of(route.name)
    assert permission is not None, f"{route.name} names no permission"
    return permission.is_given_to(role)


def test_foreign_objects_are_really_there(world: World) -> None:
    """Or the walks would knock at nothing."""
    oscar = stranger(world)
    objects = world.foreign.values
    assert set(objects) == set(world.own.values)
    assert not set(objects.values()) & set(world.own.values.values())
    for name in routes.READER_PAGES + routes.OWNER_PAGES:
        assert oscar.get(world.foreign.of(name)).status_code in {OK, FOUND}, name
    memberships = Membership.objects.filter(user__email="oscar@globex.example")
    assert not memberships.filter(organization=world.acme).exists()


def test_something_has_to_wait_while_suspended() -> None:
    """Or the walk above would look at nothing."""
    waiting = {
        route.name
        for route in routes.organization_routes()
        if not routes.is_there_while_suspended(route.name)
    }
    assert {"keys:create", "orgs:invite", "keys:set_provider_key"} <= waiting
