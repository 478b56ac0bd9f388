"""The page of records: narrowed, found by id, refused ones too, and as files."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from keys.models import ApiKey
from orgs.models import Membership, Organization, User
from tests.usage_factories import add_record, add_refusal, count_refusals, make_key
from usage import record_export
from usage.records import PAGE_LENGTH, Selection, page_of_records, refusals_not_kept
from usage.spans import Span

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC).replace(microsecond=0)
CYCLE = Span.of_cycle(NOW.date().replace(day=1))


@pytest.fixture
def owner(acme: Organization, ada: User) -> Membership:
    return Membership.objects.get(organization=acme, user=ada)


@pytest.fixture
def key(acme: Organization) -> ApiKey:
    return make_key("=Support", organization=acme)


def shown(viewer: Membership, **narrowed: Any) -> list[str]:
    page = page_of_records(viewer, Selection(CYCLE, **narrowed))
    return [each.public_id for each in page.records]


def file_of(client: Client, user: User, query: str) -> str:
    client.force_login(user)
    response = client.get(f"/o/acme/usage/records?{query}")
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]


def test_each_filter_narrows(
    acme: Organization, owner: Membership, key: ApiKey
) -> None:
    plain: dict[str, Any] = {"at": NOW, "cost_nanos": 10}
    add_record(acme, **plain)
    for column, value, narrowed in (
        ("endpoint", "responses", {"endpoint": "responses"}),
        ("outcome", "provider_error", {"outcome": "provider_error"}),
        ("status_code", 500, {"status": 500}),
        ("latency_ms", 9_000, {"least_latency_ms": 9_000}),
        ("cost_nanos", 11, {"least_cost_nanos": 11}),
    ):
        record = add_record(acme, **{**plain, column: value})
        assert shown(owner, **narrowed) == [record.public_id], column
    assert len(shown(owner)) == 6


def test_refused_requests_stand_among_the_others_only_where_asked_for(
    acme: Organization, owner: Membership, key: ApiKey
) -> None:
    older = add_record(acme, at=NOW - timedelta(seconds=2), cost_nanos=1).public_id
    refused = add_refusal(acme, at=NOW - timedelta(seconds=1), api_key=key).public_id
    newer = add_record(acme, at=NOW, cost_nanos=1).public_id

    assert shown(owner) == [newer, older]
    assert shown(owner, outcome="refused") == [refused]
    assert shown(owner, outcome="all") == [newer, refused, older]
    assert shown(owner, outcome="all", least_cost_nanos=1) == [newer, older]


def test_pages_of_both_show_each_once(
    acme: Organization, owner: Membership, key: ApiKey
) -> None:
    for _ in range(PAGE_LENGTH):
        add_record(acme, at=NOW, cost_nanos=1)
        add_refusal(acme, at=NOW, api_key=key)

    found: list[str] = []
    before: str | None = None
    for _ in range(2):
        selection = Selection(CYCLE, outcome="all")
        page = page_of_records(owner, selection, before=before)
        found += [each.public_id for each in page.records]
        before = page.older

    assert before is None
    assert len(found) == len(set(found)) == 2 * PAGE_LENGTH


def test_what_was_only_counted_is_told(
    acme: Organization, owner: Membership, rita: User, key: ApiKey
) -> None:
    count_refusals(acme, at=NOW, api_key=key, requests=500, kept=10)
    reader = Membership.objects.get(organization=acme, user=rita)

    assert refusals_not_kept(owner, Selection(CYCLE)) == 490
    assert refusals_not_kept(owner, Selection(CYCLE, model="other")) == 0
    assert refusals_not_kept(reader, Selection(CYCLE)) == 0


@pytest.mark.parametrize("prefix", ["req_", "rec_", "ref_"])
def test_a_request_is_found_by_any_of_its_names(
    client: Client, acme: Organization, ada: User, key: ApiKey, prefix: str
) -> None:
    record = add_record(acme, at=NOW, cost_nanos=1)
    refusal = add_refusal(acme, at=NOW, api_key=key)
    client.force_login(ada)

    for row in (record, refusal):
        kind = "refusals" if row is refusal else "records"
        find = f"/o/acme/usage/records?find={prefix}{row.event_id.hex}"
        assert client.get(find)["Location"] == f"/o/acme/usage/{kind}/{row.public_id}"


def test_what_a_reader_may_not_see_is_not_found(
    client: Client, acme: Organization, rita: User, key: ApiKey
) -> None:
    record = add_record(acme, at=NOW, cost_nanos=1, api_key=key)
    client.force_login(rita)

    response = client.get(f"/o/acme/usage/records?find=req_{record.event_id.hex}")

    assert response.status_code == 200
    assert "that you may see" in response.content.decode()


def test_the_csv_is_whole_however_many_pieces(
    client: Client,
    acme: Organization,
    ada: User,
    key: ApiKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(record_export, "CHUNK_LENGTH", 2)
    for cost in range(1, 6):
        add_record(acme, at=NOW, cost_nanos=cost, api_key=key)
    add_refusal(acme, at=NOW, api_key=key)

    text = file_of(client, ada, "format=csv&outcome=all")
    rows = list(csv.DictReader(io.StringIO(text)))

    costs = sorted(row["cost_usd"] for row in rows if row["outcome"] == "succeeded")
    assert costs == [f"0.00000000{n}" for n in range(1, 6)]
    assert len({row["id"] for row in rows}) == len(rows) == 6
    assert {row["key_name"] for row in rows} == {"'=Support"}, "no formula"
    assert {row["key_id"] for row in rows} == {key.public_id}
    assert rows[-1]["code"] == "organization_spend_limit_exceeded"


def test_what_has_no_price_never_says_zero(
    client: Client, acme: Organization, ada: User
) -> None:
    facts: dict[str, Any] = {"at": NOW, "cost_nanos": 0, "price_id": 0}
    unpriced = add_record(acme, **facts, input_tokens=5)
    free = add_record(acme, **facts, input_tokens=5, endpoint="moderations")
    failed = add_record(acme, **facts, input_tokens=0, output_tokens=0)

    rows = {
        row["id"]: row
        for row in csv.DictReader(io.StringIO(file_of(client, ada, "format=csv")))
    }
    page = client.get("/o/acme/usage/records").content.decode()

    assert rows[unpriced.public_id]["cost_usd"] == ""
    assert (
        rows[free.public_id]["cost_usd"] == rows[failed.public_id]["cost_usd"] == "0.00"
    )
    assert page.count("Unpriced") == 1


def test_the_json_says_the_same(
    client: Client, acme: Organization, ada: User, key: ApiKey
) -> None:
    record = add_record(acme, at=NOW, cost_nanos=7, api_key=key)

    (row,) = json.loads(file_of(client, ada, "format=json"))

    assert row["id"] == record.public_id
    assert (row["cost_usd"], row["input_tokens"]) == ("0.000000007", 100)
    assert json.loads(file_of(client, ada, "format=json&outcome=refused")) == []


def test_a_readers_file_has_their_own_requests(
    client: Client, acme: Organization, rita: User, key: ApiKey
) -> None:
    add_record(acme, at=NOW, cost_nanos=7, api_key=key)
    own = add_record(acme, at=NOW, cost_nanos=8, api_key=make_key("R", user=rita))

    (row,) = json.loads(file_of(client, rita, "format=json"))

    assert row["id"] == own.public_id
    assert row["member_email"] == "rita@acme.example"


def test_wrong_values_are_told_and_narrow_nothing(
    client: Client, acme: Organization, ada: User
) -> None:
    add_record(acme, at=NOW, cost_nanos=7)
    client.force_login(ada)
    query = "status=x&least_cost=-1&since=2026-13-01&endpoint=none&key=a&outcome=b"

    page = client.get(f"/o/acme/usage/records?{query.replace('key=a&', '')}")

    assert page.status_code == 200
    assert "Enter a whole number." in page.content.decode()
    assert "$0.000000007" in page.content.decode()
