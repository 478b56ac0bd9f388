"""Rollups are the sums of the records, whatever order they are booked in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.periods import Interval
from orgs.models import Organization, User
from tests.factories import NOW
from tests.usage_factories import (
    add_hour,
    add_record,
    make_key,
    number_records_from_one,
)
from usage.actions import rebuild_hours, roll_up
from usage.models import Outcome, RecordKind, RollupWatermark, UsageHour

pytestmark = pytest.mark.django_db

HOUR = NOW.replace(minute=0)


def test_records_of_one_hour_and_dimension_are_one_row(acme: Organization) -> None:
    for minute in (1, 59):
        add_record(acme, at=HOUR + timedelta(minutes=minute), cost_nanos=30)
    assert roll_up(now=NOW) == 2
    row = UsageHour.objects.get()
    assert (row.hour, row.requests, row.cost_nanos) == (HOUR, 2, 60)
    assert (row.input_tokens, row.output_tokens) == (200, 100)


def test_each_dimension_is_a_row_of_its_own(acme: Organization, ada: User) -> None:
    key = make_key("laptop", user=ada)
    add_record(acme, at=NOW, cost_nanos=1)
    add_record(acme, at=NOW, cost_nanos=1, api_key=key)
    add_record(acme, at=NOW, cost_nanos=1, model="gpt-5")
    add_record(acme, at=NOW, cost_nanos=1, simulated=True)
    add_record(acme, at=NOW, cost_nanos=1, endpoint="embeddings")
    add_record(acme, at=NOW + timedelta(hours=1), cost_nanos=1)
    roll_up(now=NOW)
    assert UsageHour.objects.count() == 6


def test_later_records_add_to_the_same_row(acme: Organization) -> None:
    for _ in range(3):
        add_record(acme, at=NOW, cost_nanos=10)
        roll_up(now=NOW)
    assert UsageHour.objects.get().cost_nanos == 30


def test_each_kind_of_token_is_summed_up(acme: Organization) -> None:
    kinds = {"input": 90, "cached_input": 40, "cache_write": 30, "output": 20}
    facts: dict[str, Any] = {f"{kind}_tokens": n for kind, n in kinds.items()}
    for _ in range(2):
        add_record(acme, at=NOW, cost_nanos=1, **facts, reasoning_tokens=10)
    roll_up(now=NOW)
    row = UsageHour.objects.values(*facts, "reasoning_tokens").get()
    assert row == {name: 2 * count for name, count in facts.items()} | {
        "reasoning_tokens": 20
    }


def test_repeating_adds_nothing(acme: Organization) -> None:
    add_record(acme, at=NOW, cost_nanos=10)
    roll_up(now=NOW)
    assert roll_up(now=NOW) == 0
    assert UsageHour.objects.get().requests == 1


def test_a_correction_changes_the_cost_and_is_no_request(acme: Organization) -> None:
    guess = add_record(acme, at=NOW, cost_nanos=90, kind=RecordKind.ESTIMATED)
    add_record(
        acme,
        at=NOW,
        cost_nanos=-50,
        kind=RecordKind.CORRECTION,
        corrects=guess.event_id,
        outcome=Outcome.PROVIDER_ERROR,
    )
    roll_up(now=NOW)
    row = UsageHour.objects.get()
    assert (row.requests, row.estimated_requests, row.cost_nanos) == (1, 1, 40)
    assert row.failed_requests == 0


def test_failures_are_counted_but_not_clients_that_left_and_cached_answers(
    acme: Organization,
) -> None:
    for outcome in Outcome.values:
        add_record(acme, at=NOW, cost_nanos=0, outcome=outcome)
    roll_up(now=NOW)
    row = UsageHour.objects.get()
    assert (row.requests, row.failed_requests) == (6, 3)


def test_small_batches_come_to_the_same_sums(acme: Organization) -> None:
    number_records_from_one()
    for _ in range(7):
        add_record(acme, at=NOW, cost_nanos=3)
    assert roll_up(now=NOW, batch_max=2) == 7
    assert UsageHour.objects.get().cost_nanos == 21


def test_the_watermark_says_how_fresh_the_sums_are(acme: Organization) -> None:
    RollupWatermark.objects.update(as_of=NOW - timedelta(hours=1))
    record = add_record(acme, at=NOW, cost_nanos=3)
    roll_up(now=NOW)
    watermark = RollupWatermark.objects.get()
    assert (watermark.sequence, watermark.as_of) == (record.sequence, NOW)
    roll_up(now=NOW + timedelta(seconds=2))
    assert RollupWatermark.objects.get().as_of == NOW + timedelta(seconds=2)


def test_rebuilding_repairs_the_hours_of_an_interval(acme: Organization) -> None:
    add_record(acme, at=NOW, cost_nanos=3)
    roll_up(now=NOW)
    UsageHour.objects.update(cost_nanos=999)
    add_hour(acme, at=NOW, model="ghost", cost_nanos=5)
    elsewhere = add_hour(acme, at=NOW - timedelta(days=2), cost_nanos=8)
    rebuild_hours(interval=Interval(HOUR, HOUR + timedelta(hours=1)))
    assert UsageHour.objects.exclude(pk=elsewhere.pk).get().cost_nanos == 3


def test_rebuilding_leaves_what_is_not_rolled_up_yet(acme: Organization) -> None:
    add_record(acme, at=NOW, cost_nanos=3)
    roll_up(now=NOW)
    add_record(acme, at=NOW, cost_nanos=4)
    rebuild_hours(interval=Interval(HOUR, HOUR + timedelta(hours=1)))
    assert UsageHour.objects.get().cost_nanos == 3
    roll_up(now=NOW)
    assert UsageHour.objects.get().cost_nanos == 7
