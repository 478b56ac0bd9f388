"""Days of a time zone: each hour is in one of them, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.periods import cycle_interval
from orgs.personal_forms import time_zones
from usage.dimensions import Granularity
from usage.spans import Span

ZONES = [zone for zone, _ in time_zones()]
BATTERY = settings(max_examples=25, deadline=None)
LENGTHS = st.integers(0, 70)


@BATTERY
@given(
    zone=st.sampled_from(ZONES),
    first=st.dates(date(1990, 1, 1), date(2035, 1, 1)),
    length=LENGTHS,
    granularity=st.sampled_from(Granularity),
)
def test_the_periods_of_a_span_are_the_span_without_gaps(
    zone: str, first: date, length: int, granularity: Granularity
) -> None:
    span = Span(first, first + timedelta(days=length), zone_name=zone)
    periods = span.periods(granularity)

    borders = [span.shown.start, *(period.interval.end for period in periods)]
    assert borders[-1] == span.shown.end
    assert [period.interval.start for period in periods] == borders[:-1]


@BATTERY
@given(zone=st.sampled_from(ZONES), first=st.dates(date(1990, 1, 1), date(2035, 1, 1)))
def test_single_days_are_the_days_of_a_range(zone: str, first: date) -> None:
    span = Span(first, first + timedelta(days=40), zone_name=zone)
    single = [Span(day, day, zone_name=zone) for day in span.days]

    together = [each for one in single for each in one.periods(Granularity.DAY)]

    assert together == list(span.periods(Granularity.DAY))


@BATTERY
@given(
    zone=st.sampled_from(ZONES),
    year=st.integers(2000, 2034),
    month=st.integers(1, 12),
    granularity=st.sampled_from(Granularity),
)
def test_a_cycle_stays_a_month_in_utc_in_every_zone(
    zone: str, year: int, month: int, granularity: Granularity
) -> None:
    cycle = date(year, month, 1)
    periods = Span.of_cycle(cycle, zone).periods(granularity)

    assert periods[0].interval.start == cycle_interval(cycle).start
    assert periods[-1].interval.end == cycle_interval(cycle).end
    assert all(
        one.interval.end == other.interval.start for one, other in pairwise(periods)
    )


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 11, 3), 24)],
)
def test_the_day_on_which_clocks_change_is_shorter_or_longer(
    day: date, hours: int
) -> None:
    span = Span(day, day, zone_name="Europe/Berlin")

    assert len(span.periods(Granularity.HOUR)) == hours


def test_days_begin_at_midnight_of_the_zone() -> None:
    (day,) = Span(
        date(2026, 11, 3), date(2026, 11, 3), zone_name="America/New_York"
    ).periods(Granularity.DAY)

    assert day.interval.start == datetime(2026, 11, 3, 5, tzinfo=UTC)
    assert (day.begins.hour, day.day) == (0, date(2026, 11, 3))


def test_where_midnight_is_no_whole_hour_of_utc_a_day_begins_with_the_next() -> None:
    (day,) = Span(
        date(2026, 11, 3), date(2026, 11, 3), zone_name="Asia/Kolkata"
    ).periods(Granularity.DAY)

    assert (day.begins.hour, day.begins.minute) == (0, 30)
    assert day.interval.end - day.interval.start == timedelta(days=1)


def test_a_day_that_a_zone_left_out_is_in_no_period() -> None:
    days = Span(date(2011, 12, 29), date(2011, 12, 31), zone_name="Pacific/Apia")

    found = [period.day.day for period in days.periods(Granularity.DAY)]
    assert found == [29, 31]


def test_weeks_begin_on_monday_and_are_cut_by_the_span() -> None:
    weeks = Span.of_cycle(date(2026, 11, 1)).periods(Granularity.WEEK)

    assert [week.day.day for week in weeks] == [1, 2, 9, 16, 23, 30]


@BATTERY
@given(first=st.dates(date(2000, 1, 1), date(2030, 1, 1)), length=LENGTHS)
def test_the_span_before_has_the_same_days_of_the_week(
    first: date, length: int
) -> None:
    span = Span(first, first + timedelta(days=length))
    before = span.before()

    assert before.last < span.first
    assert len(before.days) == len(span.days)
    assert before.first.weekday() == span.first.weekday()


def test_a_cycle_in_another_zone_shows_the_days_that_it_touches() -> None:
    span = Span.of_cycle(date(2026, 11, 1), "America/New_York")

    assert (span.first, span.last) == (date(2026, 10, 31), date(2026, 11, 30))
    begins = span.periods(Granularity.DAY)[0].begins
    assert begins == datetime(2026, 10, 31, 20, tzinfo=ZoneInfo("America/New_York"))
