"""The walk goes on outside of organizations: personal pages, the operator's admin."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, reverse

from orgs.models import Organization, User
from tests.architecture import routes
from tests.factories import PASSWORD
from tests.factors import give_app
from tests.visits import browser_of, confirm, log_in

pytestmark = pytest.mark.django_db

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
OK, FOUND, FORBIDDEN, NOT_FOUND, NOT_ALLOWED = 200, 302, 403, 404, 405
REFUSED = {FOUND, NOT_FOUND, NOT_ALLOWED}
# Ids in the addresses of personal pages, and the tables that they are of.
PERSONAL: dict[str, type[Authenticator] | type[UserSession]] = {
    "mfa_remove_webauthn": Authenticator,
    "mfa_edit_webauthn": Authenticator,
    "end_session": UserSession,
}


def with_passkey(user: User) -> Authenticator:
    passkey: Authenticator = Authenticator.objects.create(
        user=user,
        type=Authenticator.Type.WEBAUTHN,
        data={"name": "Laptop", "credential": {}, "passwordless": False},
    )
    return passkey


def logged_in(user: User) -> Client:
    cache.clear()
    browser = Client()
    log_in(browser, user)
    confirm(browser)
    return browser


def test_every_personal_page_with_an_id_is_walked() -> None:
    found = {
        route.name
        for route in routes.all_routes()
        if "pk" in route.arguments and route.path.startswith("/account/")
    }
    assert found == set(PERSONAL)


@pytest.mark.parametrize("name", PERSONAL)
def test_a_persons_objects_are_not_there_for_others(
    acme: Organization, ada: User, rita: User, name: str
) -> None:
    reader = logged_in(rita)
    logged_in(ada)
    with_passkey(ada)
    adas = PERSONAL[name].objects.filter(user=ada).latest("pk")
    before = everything(ada)
    for pk in (adas.pk, 10**9):
        for method in METHODS:
            answer = getattr(reader, method)(reverse(name, args=[pk]))
            # OPTIONS looks for no object: it says which methods there are.
            statuses = REFUSED | ({OK} if method == "options" else set())
            assert answer.status_code in statuses, method
            assert b"Laptop" not in answer.content
    assert everything(ada) == before


def test_control_a_person_finds_their_own(ada: User) -> None:
    browser = logged_in(ada)
    passkey = with_passkey(ada)
    page = browser.get(reverse("mfa_edit_webauthn", args=[passkey.pk]), follow=True)
    assert page.status_code == 200


def everything(user: User) -> tuple[object, ...]:
    """Return our tables, and what of allauth's belongs to somebody."""
    return (
        {k: v for k, v in routes.everything_written().items() if k != "orgs_user"},
        list(Authenticator.objects.filter(user=user).values()),
        list(UserSession.objects.filter(user=user).values("pk", "session_key")),
        User.objects.filter(pk=user.pk).values("password", "name").get(),
    )


def admin_addresses() -> Iterator[str]:
    """Yield every address of the admin, with a row that is there where one is named."""
    for name, url in named_addresses():
        assert url.startswith("/operator/admin/"), name
        yield url


def named_addresses() -> Iterator[tuple[str, str]]:
    for pattern in admin.site.get_urls():
        if isinstance(pattern, URLPattern) and pattern.name and not gaps(pattern):
            yield pattern.name, reverse(f"admin:{pattern.name}")
    for model, model_admin in admin.site._registry.items():
        row = model._default_manager.first()
        for pattern in model_admin.get_urls():
            if pattern.name and gaps(pattern) <= {"object_id"}:
                arguments = dict.fromkeys(gaps(pattern), row.pk if row else 1)
                yield pattern.name, reverse(f"admin:{pattern.name}", kwargs=arguments)


def gaps(pattern: URLPattern) -> set[str]:
    return set(pattern.pattern.converters) | set(pattern.pattern.regex.groupindex)


NOT_OPERATORS: dict[str, Callable[[], User | None]] = {
    "nobody": lambda: None,
    "owner": lambda: User.objects.get(email="ada@acme.example"),
    "reader": lambda: User.objects.get(email="rita@acme.example"),
    "stranger": lambda: User.objects.get(email="oscar@globex.example"),
}
# Where the admin's pages of logging in and out lead.
DOORS = ("login", "logout")


@pytest.mark.parametrize("name", NOT_OPERATORS)
def test_the_admin_is_shut_to_whoever_is_no_operator(
    acme: Organization, globex: Organization, ada: User, rita: User, name: str
) -> None:
    give_app(ada)
    browser = browser_of(NOT_OPERATORS[name]())
    before, seen = routes.everything_written(), 0
    for page, url in named_addresses():
        for method in METHODS if page not in DOORS else ():
            answer = getattr(browser, method)(url, {"reason": "Let me."})
            seen += 1
            assert answer.status_code in {FOUND, FORBIDDEN, NOT_FOUND}, (method, url)
            assert b"Acme" not in answer.content, (method, url)
    assert routes.everything_written() == before
    sys.stdout.write(f"isolation of the admin: {name}: {seen:,} requests, refused\n")
    assert seen > 200


def test_control_the_operator_gets_in(acme: Organization, op: User) -> None:
    browser = browser_of(op)
    statuses = {browser.get(url).status_code for url in admin_addresses()}
    assert 200 in statuses


def test_an_operator_put_out_gets_in_no_more(acme: Organization, op: User) -> None:
    browser = browser_of(op)
    User.objects.filter(pk=op.pk).update(is_staff=False)
    for _, url in named_addresses():
        assert browser.get(url).status_code in {FOUND, FORBIDDEN, NOT_FOUND}, url
    assert op.check_password(PASSWORD)
