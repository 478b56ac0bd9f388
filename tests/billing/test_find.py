"""What people search for is text: no pattern, no statement, and never a long wait."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs.models import Organization, User
from tests.usage_factories import make_key
from tests.visits import browser_of

pytestmark = pytest.mark.django_db

ODD = [
    *("%", "_", "%%%%%%%%%%", "%_%_%_%_%", "\\", "\\%", "a%b", "'", '"', "--", ";"),
    *("' OR 1=1 --", "x' UNION SELECT digest FROM keys_apikey --", "{}", "%s", "%(a)s"),
    *("\0", "\x01", "\ud7ff", "🦉" * 50, "(a+)+$", "[", "*", "x" * 100_000),
    "%" * 5000,
]
PAGES = [
    "/o/acme/limits?find={}",
    "/o/acme/audit?target={}",
    "/o/acme/audit?actor={}&action={}&since={}&until={}&before={}",
    "/o/acme/usage?cycle={}&by={}&start={}&end={}&key={}&model={}&member={}",
    "/o/acme/usage/records?key={}&model={}&outcome={}&before={}",
    "/o/acme/keys?show={}",
    "/o/acme/limits?keys={}&members={}",
]


@pytest.mark.parametrize("page", PAGES)
def test_no_search_is_more_than_text(acme: Organization, ada: User, page: str) -> None:
    digest = make_key("Nightly batch", organization=acme).digest
    browser = browser_of(ada)
    for text in ODD:
        path, _, query = page.partition("?")
        fields = {each.partition("=")[0]: text for each in query.split("&")}
        answer = browser.get(path, fields)

        # Nobody types a NUL, and Postgres keeps none.
        expected = 400 if "\0" in text else 200
        assert answer.status_code == expected, (page, text[:30])
        assert digest not in answer.content.decode()


@pytest.mark.parametrize("wildcard", ["%", "_", "N%h", "Nightl_"])
def test_a_wildcard_finds_only_itself(
    acme: Organization, ada: User, wildcard: str
) -> None:
    key = make_key("Nightly batch", organization=acme)
    row = f"/o/acme/limits/keys/{key.public_id}"

    page = browser_of(ada).get("/o/acme/limits", {"find": wildcard})
    control = browser_of(ada).get("/o/acme/limits", {"find": "Nightly"})

    assert row not in page.content.decode()
    assert row in control.content.decode()


def test_a_long_search_reaches_the_database_short(
    acme: Organization, ada: User
) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        browser_of(ada).get("/o/acme/limits", {"find": "x" * 100_000})

    assert max(len(query["sql"]) for query in queries.captured_queries) < 10_000
