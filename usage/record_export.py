"""Requests as CSV and JSON, a piece at a time, however many there are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from core.csv_text import csv_text
from core.money import exact_usd
from keys.models import ApiKey
from orgs.models import Membership, User
from usage.counts import COUNTS
from usage.models import RefusedRequest, UsageRecord
from usage.records import (
    NEWEST_FIRST,
    Place,
    R,
    Selection,
    older_than,
    records_visible_to,
    selected,
    selected_refusals,
)

CHUNK_LENGTH = 5_000
COLUMNS = (
    *("id", "request_id", "occurred_at", "billing_cycle", "kind", "corrects"),
    *("outcome", "status", "code", "endpoint", "model", "service_tier"),
    *("key_id", "key_name", "member_id", "member_name", "member_email"),
    *COUNTS,
    *("cost_usd", "held_usd", "price_id", "simulated", "streamed"),
    *("latency_ms", "first_token_ms"),
)
Facts = tuple[Any, ...]
Names = dict[int | None, Facts]


def chunks_of(viewer: Membership, selection: Selection) -> Iterator[list[Facts]]:
    """
    Yield what files tell of the selected requests, some at a time, newest first.

    Refused requests come after those that have a record. Memory holds one piece.
    """
    names = NamesById()
    if selection.has_records:
        records = selected(records_visible_to(viewer), selection)
        for chunk in pieces(records):
            names.learn(chunk)
            yield [record_facts(each, names) for each in chunk]
    if selection.has_refusals:
        for refused in pieces(selected_refusals(viewer, selection)):
            names.learn(refused)
            yield [refusal_facts(each, names) for each in refused]


def pieces(rows: QuerySet[R]) -> Iterator[list[R]]:
    """Yield rows by place: no statement lasts, whoever reads slowly."""
    rows = rows.order_by(*NEWEST_FIRST)
    chunk = list(rows[:CHUNK_LENGTH])
    while chunk:
        yield chunk
        place: Place = (chunk[-1].occurred_at, chunk[-1].event_id)
        chunk = list(older_than(rows, place)[:CHUNK_LENGTH])


class NamesById:
    """The keys and people of an export, each looked up once."""

    def __init__(self) -> None:
        self.keys: Names = {None: ("", "")}
        self.people: Names = {None: ("", "", "")}

    def learn(self, rows: Iterable[UsageRecord | RefusedRequest]) -> None:
        rows = list(rows)
        keys = {row.api_key_id for row in rows if row.api_key_id}
        people = {row.user_id for row in rows if row.user_id}
        new_keys = [each for each in keys if each not in self.keys]
        self.keys |= dict.fromkeys(new_keys, ("", ""))
        for key in ApiKey.objects.filter(pk__in=new_keys):
            self.keys[key.pk] = key.public_id, key.name
        new_people = [each for each in people if each not in self.people]
        self.people |= dict.fromkeys(new_people, ("", "", ""))
        for person in User.objects.filter(pk__in=new_people):
            name = person.get_full_name()
            self.people[person.pk] = person.public_id, name, person.email


def record_facts(record: UsageRecord, names: NamesById) -> Facts:
    return (
        *(record.public_id, f"req_{record.event_id.hex}"),
        *(record.occurred_at.isoformat(), f"{record.cycle_start:%Y-%m}", record.kind),
        record.corrects and f"rec_{record.corrects.hex}",
        *(record.outcome, record.status_code, "", record.endpoint, record.model),
        record.service_tier,
        *names.keys[record.api_key_id],
        *names.people[record.user_id],
        *(getattr(record, name) for name in COUNTS),
        None if record.is_unpriced else exact_usd(record.cost_nanos),
        exact_usd(record.held_nanos),
        *(record.price_id or None, record.simulated, record.streamed),
        *(record.latency_ms, record.first_token_ms),
    )


def refusal_facts(refusal: RefusedRequest, names: NamesById) -> Facts:
    return (
        *(refusal.public_id, f"req_{refusal.event_id.hex}"),
        *(refusal.occurred_at.isoformat(), f"{refusal.occurred_at:%Y-%m}", "refused"),
        None,
        *("refused", refusal.status_code, refusal.code, refusal.endpoint),
        *(refusal.model, ""),
        *names.keys[refusal.api_key_id],
        *names.people[refusal.user_id],
        *(0 for _ in COUNTS),
        *(exact_usd(0), exact_usd(0), None, None, None, refusal.latency_ms, None),
    )


def as_csv(chunks: Iterable[list[Facts]]) -> Iterator[str]:
    """Yield CSV with a head."""
    yield csv_text([COLUMNS])
    for chunk in chunks:
        yield csv_text([list(map(in_csv, facts)) for facts in chunk])


def in_csv(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_json(chunks: Iterable[list[Facts]]) -> Iterator[str]:
    """Yield one JSON array, a request on each line."""
    mark = "[\n"
    for chunk in chunks:
        lines = (
            json.dumps(dict(zip(COLUMNS, facts, strict=True)), ensure_ascii=False)
            for facts in chunk
        )
        yield mark + ",\n".join(lines)
        mark = ",\n"
    yield "[]\n" if mark == "[\n" else "\n]\n"
