"""No address of ours leads to somebody else's, whatever `next` says."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.test import Client

from orgs.models import Organization, User
from tests.factories import PASSWORD
from tests.visits import browser_of

pytestmark = pytest.mark.django_db

FOREIGN = [
    *("https://evil.example", "//evil.example", "///evil.example", "////evil.example"),
    *(
        "http:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "\\\\evil.example",
    ),
    *("/\\evil.example", "\\/evil.example", "/\t/evil.example", "\t//evil.example"),
    *("/%09/evil.example", "javascript:alert(1)", "data:text/html,x", "JaVaScRiPt:x"),
    *("https://testserver@evil.example", "https://testserver.evil.example"),
    *(
        "//evil.example/testserver",
        "https://evil.example#testserver",
        "\x00//evil.example",
    ),
    *("/\r\nLocation: https://evil.example", "//evil。example", "ftp://testserver/"),
]
LOGGED_OUT = [
    ("/account/login/", {"login": "ada@acme.example", "password": PASSWORD}),
    ("/theme/", {"theme": "dark"}),
]
LOGGED_IN = [
    ("/account/logout/", {}),
    ("/account/reauthenticate/", {"password": PASSWORD}),
    ("/account/default-organization/", {"organization": "acme"}),
    ("/account/profile/", {"name": "Ada", "time_zone": "UTC"}),
    ("/theme/", {"theme": "light"}),
]


def assert_stays_here(browser: Client, path: str, form: dict[str, str]) -> None:
    for url in FOREIGN:
        cache.clear()
        sent = [
            browser.post(path, {**form, "next": url}),
            browser.post(f"{path}?next=", form, QUERY_STRING=f"next={quote(url)}"),
        ]
        for answer in sent:
            location = answer.headers.get("Location", "/")
            assert location.startswith("/"), (path, url, location)
            assert location[1:2] not in ("/", "\\", "\t"), (path, url, location)
            assert "\n" not in location


@pytest.mark.parametrize(("path", "form"), LOGGED_OUT)
def test_a_visitor_is_not_led_away(
    ada: User, acme: Organization, path: str, form: dict[str, str]
) -> None:
    assert_stays_here(Client(), path, form)


@pytest.mark.parametrize(("path", "form"), LOGGED_IN)
def test_a_member_is_not_led_away(
    ada: User, acme: Organization, path: str, form: dict[str, str]
) -> None:
    assert_stays_here(browser_of(ada), path, form)


def test_control_an_address_of_ours_is_followed(ada: User, acme: Organization) -> None:
    form = {"theme": "dark", "next": "/o/acme/keys"}

    assert Client().post("/theme/", form).headers["Location"] == "/o/acme/keys"


def test_a_page_that_asks_to_log_in_says_only_its_own_path(acme: Organization) -> None:
    answer = Client().get("/o/acme/keys", HTTP_HOST="localhost")

    assert answer.headers["Location"] == "/account/login/?next=/o/acme/keys"
