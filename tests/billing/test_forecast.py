"""Where a cycle's spend is going: the pace of two weeks, weekdays, a band, a date."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.forecast import Forecast, forecast_of_cycle
from core.periods import cycle_interval
from tests.factories import usd

NOVEMBER = cycle_interval(date(2026, 11, 1))
FIRST = date(2026, 7, 1)
WEEKEND = 5


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2026, 11, number, hour, tzinfo=UTC)


def costs(first: date, until: datetime, *, weekend: int = 10) -> dict[date, int]:
    """Return 10 dollars on each weekday, and what a day of the weekend costs."""
    days = (first + timedelta(days=n) for n in range((until.date() - first).days))
    return {each: usd(weekend if each.weekday() >= WEEKEND else 10) for each in days}


def forecast(spent: dict[date, int], now: datetime) -> Forecast:
    found = forecast_of_cycle(spent, NOVEMBER, now=now)
    assert found is not None
    return found


def test_before_three_days_it_is_too_early() -> None:
    known = costs(FIRST, day(3))

    assert forecast_of_cycle(known, NOVEMBER, now=day(3, 23)) is None
    assert forecast_of_cycle(known, NOVEMBER, now=day(4)) is not None


def test_a_first_cycle_goes_on_at_its_pace_and_has_nothing_to_check() -> None:
    found = forecast(costs(date(2026, 11, 1), day(11)), day(11))

    assert (found.low_nanos, found.end_nanos, found.high_nanos) == (usd(300),) * 3
    assert (found.off_by_percent, found.cycles_checked) == (None, 0)


def test_half_a_day_counts_as_half_a_day() -> None:
    spent = costs(date(2026, 11, 1), day(11)) | {date(2026, 11, 11): usd(5)}

    assert forecast(spent, day(11, 12)).end_nanos == usd(300)


def test_weekends_are_expected_to_be_weekends() -> None:
    """On Friday the 20th: six working days and four of weekends are to come."""
    spent = costs(FIRST, day(20), weekend=0)
    found = forecast(spent, day(20))

    actual = sum(costs(date(2026, 11, 1), NOVEMBER.end, weekend=0).values())
    straight = sum(costs(date(2026, 11, 1), day(20), weekend=0).values()) * 30 // 19
    assert actual == usd(210)
    assert abs(found.end_nanos - actual) < usd(6) < abs(straight - actual) * 2
    assert found.off_by_percent is not None
    assert found.off_by_percent <= 8


def test_one_spike_weeks_ago_changes_nothing() -> None:
    calm = costs(FIRST, day(20))
    spike = calm | {date(2026, 10, 10): usd(5_000)}

    assert forecast(spike, day(20)).end_nanos == usd(300)


def test_what_began_five_days_ago_is_not_thinned_by_the_days_before() -> None:
    spent = costs(date(2026, 11, 16), day(21))

    assert forecast(spent, day(21)).end_nanos == usd(50 + 100)


def test_it_says_how_far_it_was_off_at_this_day_of_the_cycles_before() -> None:
    """Each earlier cycle cost twice as much a day in its second half."""
    spent = {
        each: cost * (2 if each.month < 11 and each.day > 15 else 1)
        for each, cost in costs(FIRST, day(16)).items()
    }

    found = forecast(spent, day(16))

    assert found.cycles_checked == 3
    assert found.off_by_percent is not None
    assert 25 <= found.off_by_percent <= 40
    assert found.low_nanos < found.end_nanos < found.high_nanos
    assert found.high_nanos - found.end_nanos >= found.end_nanos * 25 // 100


def test_days_that_differ_widen_the_band() -> None:
    first = date(2026, 11, 1)
    even = costs(first, day(11))
    uneven = {each: usd(20 if each.day % 2 else 0) for each in even}

    wide, narrow = forecast(uneven, day(11)), forecast(even, day(11))

    assert narrow.high_nanos - narrow.low_nanos == 0
    assert wide.low_nanos < usd(240) < usd(360) < wide.high_nanos


def test_after_its_end_a_cycle_is_what_it_was() -> None:
    later = NOVEMBER.end + timedelta(days=9)

    found = forecast(costs(FIRST, NOVEMBER.end), later)

    assert (found.low_nanos, found.end_nanos, found.high_nanos) == (usd(300),) * 3


def test_it_says_when_an_amount_is_reached() -> None:
    found = forecast(costs(date(2026, 11, 1), day(11)), day(11))

    assert found.reached_at(usd(205)) == day(21, 12)
    assert found.reached_at(usd(100)) is None, "spent already"
    assert found.reached_at(usd(301)) is None, "not in this cycle"
    last = found.reached_at(usd(300))
    assert last is not None
    assert day(30) < last < NOVEMBER.end


DAYS = st.dictionaries(
    st.dates(FIRST, date(2026, 11, 30)), st.integers(-(2**40), 2**56), max_size=60
)


@settings(max_examples=25, deadline=None)
@given(spent=DAYS, elapsed_s=st.integers(0, 40 * 86_400), amount=st.integers(0, 2**62))
def test_it_never_falls_below_the_spend_and_its_days_rise_inside_the_band(
    spent: dict[date, int], elapsed_s: int, amount: int
) -> None:
    now = NOVEMBER.start + timedelta(seconds=elapsed_s)
    known = {each: cost for each, cost in spent.items() if each <= now.date()}

    found = forecast_of_cycle(known, NOVEMBER, now=now)

    assert (found is None) == (elapsed_s < 3 * 86_400)
    if found is None:
        return
    course = [each.nanos for each in found.days]
    assert course == sorted(course)
    assert found.spent_nanos <= found.low_nanos <= found.end_nanos <= found.high_nanos
    at = found.reached_at(amount)
    assert (at is not None) == (found.spent_nanos < amount <= found.end_nanos)
    assert at is None or now <= at < NOVEMBER.end


@settings(max_examples=25, deadline=None)
@given(cost=st.integers(1, 2**50), elapsed_s=st.integers(3 * 86_400, 30 * 86_400 - 1))
def test_what_never_changes_is_foretold_to_the_day(cost: int, elapsed_s: int) -> None:
    now = NOVEMBER.start + timedelta(seconds=elapsed_s)
    spent = dict.fromkeys(costs(FIRST, now), cost)
    spent[now.date()] = cost * (elapsed_s % 86_400) // 86_400

    found = forecast(spent, now)

    assert abs(found.end_nanos - 30 * cost) <= 30 + cost // 1_000
    assert found.off_by_percent == 0


@pytest.mark.parametrize("cycle", [date(2026, 2, 1), date(2026, 3, 1)])
def test_months_of_other_lengths_are_checked_where_they_have_the_day(
    cycle: date,
) -> None:
    """On the 30th of March, February has nothing to check."""
    interval = cycle_interval(cycle)
    now = interval.end - timedelta(days=2)
    spent = costs(date(2025, 11, 1), now)

    found = forecast_of_cycle(spent, interval, now=now)

    assert found is not None
    assert found.cycles_checked == (2 if cycle.month == 3 else 3)
