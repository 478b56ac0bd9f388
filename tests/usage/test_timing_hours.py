"""How long requests took, by the hour: counts of the records, whatever the order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.periods import Interval
from orgs.models import Organization
from tests.factories import NOW
from tests.usage_factories import add_record, number_records_from_one
from usage.actions import rebuild_hours, roll_up
from usage.models import Outcome, RollupWatermark, TimingHour, UsageHour
from usage.timing_buckets import Histogram

pytestmark = pytest.mark.django_db

HOUR = NOW.replace(minute=0)
AN_HOUR = Interval(HOUR, HOUR + timedelta(hours=1))


def time_requests(acme: Organization, *latencies: int, streamed: bool = False) -> None:
    for latency in latencies:
        first = latency // 10 if streamed else None
        add_record(acme, at=NOW, cost_nanos=1, latency_ms=latency, first_token_ms=first)


def test_latencies_are_counted_in_buckets(acme: Organization) -> None:
    time_requests(acme, 15, 16, 18, 19, 2_000_000)
    roll_up(now=NOW)

    counts = TimingHour.objects.get().latency_counts
    assert (counts[:3], counts[-1], sum(counts)) == ([1, 2, 1], 1, 5)


def test_later_records_add_to_the_same_row(acme: Organization) -> None:
    for latency_ms in (100, 100, 9_000):
        time_requests(acme, latency_ms, streamed=True)
        roll_up(now=NOW)

    row = TimingHour.objects.get()
    latency = Histogram(tuple(row.latency_counts))
    assert (latency.requests, sum(row.first_token_counts)) == (3, 3)
    # Fifty tokens each, after the first tenth of the time.
    assert (row.generated_tokens, row.generation_ms) == (150, 90 + 90 + 8_100)


def test_only_what_was_streamed_has_a_first_token(acme: Organization) -> None:
    time_requests(acme, 400)
    roll_up(now=NOW)

    row = TimingHour.objects.get()
    assert (sum(row.first_token_counts), row.generated_tokens) == (0, 0)


def test_failures_cached_answers_and_corrections_are_not_timed(
    acme: Organization,
) -> None:
    for outcome in set(Outcome.values) - {"succeeded"}:
        add_record(acme, at=NOW, cost_nanos=1, outcome=outcome)
    guess = add_record(acme, at=NOW, cost_nanos=1, outcome=Outcome.GATEWAY_LOST)
    correction: dict[str, Any] = {"kind": "correction", "corrects": guess.event_id}
    add_record(acme, at=NOW, cost_nanos=1, **correction)
    roll_up(now=NOW)

    assert not TimingHour.objects.exists()
    assert UsageHour.objects.get().requests == 6


def test_what_was_summed_up_by_the_release_before_is_timed_afterwards(
    acme: Organization,
) -> None:
    number_records_from_one()
    time_requests(acme, *range(100, 700, 100))
    roll_up(now=NOW)
    TimingHour.objects.all().delete()
    RollupWatermark.objects.update(timed_sequence=0)

    for _ in range(4):
        assert roll_up(now=NOW, batch_max=2) == 0

    assert sum(TimingHour.objects.get().latency_counts) == 6
    assert UsageHour.objects.get().requests == 6


def test_rebuilding_makes_the_same_counts(acme: Organization) -> None:
    time_requests(acme, 100, 200, 90_000, streamed=True)
    roll_up(now=NOW)
    before = TimingHour.objects.values().get()
    TimingHour.objects.update(latency_counts=[7], generation_ms=0)

    rebuild_hours(interval=AN_HOUR)

    after = TimingHour.objects.values().get()
    assert after | {"id": 0} == before | {"id": 0}
