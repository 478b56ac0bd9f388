"""Every answer, of whatever kind, tells browsers what they may do with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.urls import reverse
from pytest_django import DjangoDbBlocker

from config.page_headers import PAGE_HEADERS, with_page_headers
from orgs.models import Role, User
from tests import factories, site
from tests.architecture import routes
from tests.conftest import empty_database

pytestmark = pytest.mark.processes

POLICY = "content-security-policy"
FIXED = {
    "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=63072000; includeSubDomains; preload",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}
STATIC = ["/static/css/tokenhouse.css", "/static/js/tokenhouse.js"]
OF_ADMIN = ["/operator/admin/", "/operator/admin/nowhere/", "/operator/admin/login/"]
# What stands in the address before the route's own part.
OF_RESOLVERS = {
    name: {"provider_id": "sso"}
    for name in ("openid_connect_login", "openid_connect_callback")
}
ERRORS = [
    ("GET", "/nowhere", {}, 404),
    ("GET", "/o/nobodys/members", {}, 302),
    ("POST", "/theme/", {}, 403),
    ("PUT", "/theme/", {}, 403),
    ("GET", "/healthz?%ff", {}, 200),
    ("GET", "/nowhere", {"Host": "evil.example"}, 400),
    ("GET", "/nowhere", {"Content-Encoding": "gzip"}, 415),
    ("GET", "/nowhere", {"X-Forwarded-Proto": "http"}, 301),
]


@dataclass(frozen=True, slots=True)
class Scene:
    """A site in production, who is there, and what addresses there are."""

    site: site.Site
    ada: User
    op: User
    addresses: routes.Addresses


@pytest.fixture(scope="module")
def scene(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Scene]:
    with django_db_blocker.unblock():
        empty_database()
        ada, rita = map(factories.make_user, ("ada@acme.example", "rita@acme.example"))
        op = factories.make_user("op@tokenhouse.example", is_staff=True)
        acme = factories.make_organization("Acme")
        factories.join(ada, acme, Role.OWNER)
        factories.join(rita, acme)
        addresses = routes.furnish(acme, ada, rita)
        with site.in_production(tmp_path_factory.mktemp("site")) as running:
            yield Scene(running, ada, op, addresses)
        empty_database()


def assert_safe(answer: site.Answer, what: str) -> None:
    for name, value in FIXED.items():
        assert answer.header(name) == value, (what, name)
    policy = answer.header(POLICY)
    assert "object-src 'none'" in policy, what
    assert "base-uri 'none'" in policy, what
    assert "frame-ancestors 'none'" in policy, what
    assert "camera=()" in answer.header("permissions-policy"), what
    for cookie in answer.cookies:
        assert cookie.startswith("__Host-"), what
        assert "; Secure" in cookie, what
        assert "; HttpOnly" in cookie, what
        assert "; SameSite=Lax" in cookie, what


def pages(scene: Scene) -> Iterator[str]:
    """Yield the address of every page that there is."""
    for route in routes.all_routes():
        if route.name.startswith("api_"):
            continue
        if "slug" in route.arguments:
            yield scene.addresses.of(route.name)
        else:
            given = {**routes.OTHER_ARGUMENTS, **OF_RESOLVERS.get(route.name, {})}
            names = route.arguments | OF_RESOLVERS.get(route.name, {}).keys()
            values = {name: given.get(name, "x") for name in names}
            yield reverse(route.name, kwargs=values)


def test_every_route_answers_unbroken_with_safe_headers(scene: Scene) -> None:
    owner, nobody = scene.site.visited_by(scene.ada), scene.site.visited_by(None)
    seen = set()
    for path in pages(scene):
        for visitor in (owner, nobody):
            for method in ("GET", "POST"):
                if path.endswith(("/logout/", "/leave")):
                    continue
                answer = visitor.ask(path, method=method)
                assert_safe(answer, f"{method} {path}")
                assert answer.status < 500, f"{method} {path}"
                assert "script-src" not in answer.header(POLICY), path
                assert "no-store" in answer.header("cache-control"), path
                seen.add(answer.status)

    assert {200, 302, 403, 404, 405} <= seen


@pytest.mark.parametrize(("method", "path", "headers", "status"), ERRORS)
def test_errors_answer_with_safe_headers(
    scene: Scene, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = scene.site.visited_by(None).ask(path, method=method, headers=headers)

    assert answer.status == status
    assert_safe(answer, path)


@pytest.mark.parametrize("path", STATIC)
def test_static_files_answer_with_safe_headers(scene: Scene, path: str) -> None:
    answer = scene.site.visited_by(None).ask(path)

    assert answer.status == 200
    assert_safe(answer, path)
    assert "no-store" not in answer.header("cache-control")


@pytest.mark.parametrize("path", OF_ADMIN)
def test_the_admin_runs_no_script_that_stands_in_a_page(
    scene: Scene, path: str
) -> None:
    answer = scene.site.visited_by(scene.op).ask(path)

    assert_safe(answer, path)
    assert "script-src 'self' 'unsafe-eval'" in answer.header(POLICY)
    script = answer.header(POLICY).partition("script-src")[2]
    assert "unsafe-inline" not in script


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", "/v1/models"), ("POST", "/v1/chat/completions"), ("PUT", "/v1/x")),
        *(("GET", "/v1/organization/costs"), ("GET", "/dashboard/billing/usage")),
        ("POST", "/v1/organization/groups"),
    ],
)
def test_the_api_answers_with_safe_headers(
    scene: Scene, method: str, path: str
) -> None:
    answer = scene.site.visited_by(None).ask(path, method=method)

    assert answer.status in (401, 404)
    for name in ("x-content-type-options", "strict-transport-security"):
        assert answer.header(name) == FIXED[name]
    assert answer.header(POLICY) == "default-src 'none'; frame-ancestors 'none'"
    assert answer.header("set-cookie") == ""


def test_no_answer_says_who_may_read_it_across_sites(scene: Scene) -> None:
    headers = {"Origin": "https://evil.example"}
    for path in ("/", "/account/login/", "/v1/models", "/healthz", *STATIC):
        answer = scene.site.visited_by(scene.ada).ask(path, headers=headers)

        assert answer.header("access-control-allow-origin") == "", path


def test_no_answer_names_what_serves_it(scene: Scene) -> None:
    for path in ("/account/login/", "/v1/models", "/nowhere"):
        answer = scene.site.visited_by(None).ask(path)

        assert answer.header("x-powered-by") == ""
        assert "/" not in answer.header("server"), "no version"


def test_the_api_is_not_redirected_to_tls_in_silence(scene: Scene) -> None:
    plain = {"X-Forwarded-Proto": "http"}

    assert scene.site.ask("/account/login/", headers=plain).status == 301
    assert scene.site.ask("/v1/models", headers=plain).status != 301


def test_what_an_answer_says_itself_stays() -> None:
    kept = with_page_headers("/", [(b"Cache-Control", b"max-age=60")])

    assert kept.count((b"Cache-Control", b"max-age=60")) == 1
    assert b"cache-control" not in [name for name, _ in kept]
    assert len(kept) == len(PAGE_HEADERS) + 1


def test_no_method_echoes_a_request(scene: Scene) -> None:
    for path in ("/", "/account/login/", "/v1/models"):
        answer = scene.site.ask(path, method="TRACE", headers={"X-Told": "in-private"})

        assert b"in-private" not in answer.body
        assert answer.status in (302, 401, 405)
