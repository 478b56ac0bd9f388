"""Owners read what was changed, by whom and whence; and take it away as a file."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from orgs import audit, audit_log
from orgs.models import AuditEvent, Organization, User
from orgs.origin import Door, Origin, arriving_by
from orgs.streamed_files import piece_by_piece
from tests.factories import NOW
from tests.visits import browser_of

pytestmark = pytest.mark.django_db
URL = "/o/acme/audit"
FORMULA = "=HYPERLINK(1)"


def record(organization: Organization, actor: User | None, **facts: Any) -> AuditEvent:
    values: dict[str, Any] = {"action": "api_key.created", "now": NOW} | facts
    with transaction.atomic():
        audit.record(organization=organization, actor=actor, **values)
    return AuditEvent.objects.latest("pk")


@pytest.fixture
def browser(acme: Organization, globex: Organization, ada: User, oscar: User) -> Client:
    """Ada, in whose organization three things were changed; one in another's."""
    record(acme, ada, target="key_1", details={"after": {"name": "Bot"}})
    record(acme, None, action="invite.deleted", target="inv_2")
    with arriving_by(Origin(Door.PAGE, "203.0.113.7", FORMULA)):
        record(
            acme,
            ada,
            action="spend_limit.updated",
            target="org-3",
            details={
                "before": {"hard_limit_nanos": None},
                "after": {"hard_limit_nanos": 12_500_000_000},
                "reason": "<b>asked for</b>",
            },
            now=NOW + timedelta(days=2),
        )
    record(globex, oscar, target="key_of_globex")
    return browser_of(ada)


def text_of(browser: Client, query: str = "") -> str:
    return browser.get(URL + query).content.decode()


def targets(browser: Client, query: str) -> set[str]:
    events = json.loads(b"".join(browser.get(f"{URL}{query}&format=json")))
    return {event["target"] for event in events}


def test_the_page_lists_the_organizations_events_newest_first(browser: Client) -> None:
    page = text_of(browser)
    places = [page.index(name) for name in ("org-3", "inv_2", "key_1")]
    assert places == sorted(places)
    assert "key_of_globex" not in page
    assert "Tokenhouse itself" in page
    assert "203.0.113.7" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?action=api_key.created", {"key_1"}),
        ("?actor=tokenhouse", {"inv_2"}),
        ("?target=KEY_", {"key_1"}),
        ("?since=2026-11-24", {"org-3"}),
        ("?until=2026-11-23", {"key_1", "inv_2"}),
        ("?until=never", {"key_1", "inv_2", "org-3"}),
        ("?target=key_of_globex", set()),
    ],
)
def test_a_filter_narrows_page_and_file(
    browser: Client, query: str, found: set[str]
) -> None:
    page = text_of(browser, query)
    assert {
        name for name in ("key_1", "inv_2", "org-3") if f">{name}<" in page
    } == found
    assert targets(browser, query) == found


def test_a_filter_by_person(browser: Client, ada: User, oscar: User) -> None:
    assert targets(browser, f"?actor={ada.public_id}") == {"key_1", "org-3"}
    # Nobody of another organization can be asked for, or found to exist.
    assert oscar.public_id not in text_of(browser)
    answer = text_of(browser, f"?actor={oscar.public_id}")
    assert "There are no events of who" in answer


def test_pages_go_on_where_the_last_one_ended(
    browser: Client, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "PAGE_LENGTH", 2)
    first = browser.get(URL)
    second = browser.get(first.context["older_url"])
    shown = [
        event.target for page in (first, second) for event, _ in page.context["rows"]
    ]
    assert shown == ["org-3", "inv_2", "key_1"]
    assert second.context["older_url"] is None


def test_another_organizations_event_is_no_place_to_begin(
    browser: Client, globex: Organization
) -> None:
    foreign = AuditEvent.objects.get(organization=globex)
    assert browser.get(f"{URL}/{foreign.public_id}").status_code == 404
    assert browser.get(f"{URL}?before={foreign.public_id}").context["rows"] == []


def test_an_event_shows_before_and_after_in_words(browser: Client) -> None:
    event = AuditEvent.objects.get(target="org-3")
    page = text_of(browser, f"/{event.public_id}")
    assert '<th scope="row">hard limit</th><td>—</td><td>$12.50</td>' in page
    assert "&lt;b&gt;asked for&lt;/b&gt;" in page
    assert FORMULA in page


def test_the_csv_runs_no_formula_and_has_every_event(browser: Client) -> None:
    answer = browser.get(f"{URL}?format=csv")
    assert answer["Content-Disposition"].startswith('attachment; filename="acme-audit-')
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert [row["target"] for row in rows] == ["org-3", "inv_2", "key_1"]
    cells = [cell for row in rows for cell in row.values()]
    assert f"'{FORMULA}" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]


def test_the_files_hold_what_the_chain_needs(browser: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS audit_link IMMEDIATE")
    events = json.loads(b"".join(browser.get(f"{URL}?format=json")))
    assert [event["sequence"] for event in events] == [3, 2, 1]
    assert events[0]["previous_hash"] == events[1]["hash"]


def test_a_file_comes_in_pieces(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "CHUNK_LENGTH", 2)
    answer = browser.get(f"{URL}?format=json")
    assert answer.streaming
    pieces = list(answer)
    assert len(pieces) == 3
    assert len(json.loads(b"".join(pieces))) == 3


def test_nothing_selected_is_an_empty_file(browser: Client) -> None:
    assert targets(browser, "?target=nothing") == set()


def test_pieces_are_made_as_they_are_sent() -> None:
    made: list[str] = []

    def make() -> Iterator[str]:
        for name in "abc":
            made.append(name)
            yield name

    async def take_two() -> list[str]:
        pieces = piece_by_piece(make())
        return [await anext(pieces), await anext(pieces)]

    assert asyncio.run(take_two()) == made == ["a", "b"]


def test_a_new_organization_is_told_what_comes_here(
    acme: Organization, ada: User
) -> None:
    assert "Nothing has been changed yet" in text_of(browser_of(ada))


def test_a_reader_finds_no_way_to_it_and_is_refused(
    browser: Client, rita: User
) -> None:
    reader = browser_of(rita)
    for query in ("", "?format=csv", "?format=json"):
        assert reader.get(URL + query).status_code == 403
    assert f'href="{URL}"' not in reader.get("/o/acme/members").content.decode()
    assert f'href="{URL}"' in browser.get("/o/acme/members").content.decode()
