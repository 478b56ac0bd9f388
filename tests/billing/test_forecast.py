"""A straight line from the start of the cycle."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.forecast import forecast_nanos, reached_at
from core.periods import cycle_interval
from tests.factories import usd

NOVEMBER = cycle_interval(date(2026, 11, 1))


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2026, 11, number, hour, tzinfo=UTC)


def test_before_three_days_it_is_too_early() -> None:
    assert forecast_nanos(usd(10), NOVEMBER, now=day(3, 23)) is None
    assert reached_at(usd(20), usd(10), NOVEMBER, now=day(3, 23)) is None


def test_a_third_of_the_cycle_means_three_times_the_spend() -> None:
    assert forecast_nanos(usd(10), NOVEMBER, now=day(11)) == usd(30)


def test_after_its_end_a_cycle_is_what_it_was() -> None:
    later = NOVEMBER.end + timedelta(days=9)

    assert forecast_nanos(usd(10), NOVEMBER, now=later) == usd(10)


def test_it_says_when_an_amount_is_reached() -> None:
    assert reached_at(usd(20), usd(10), NOVEMBER, now=day(11)) == day(21)


@pytest.mark.parametrize("spent", [0, 30, 40])
def test_what_is_reached_or_never_will_be_has_no_date(spent: int) -> None:
    assert reached_at(usd(30), usd(spent), NOVEMBER, now=day(11)) is None


def test_an_amount_beyond_the_cycle_has_no_date() -> None:
    assert reached_at(usd(30), usd(10), NOVEMBER, now=day(11)) is None


@given(
    spent=st.integers(0, 2**62),
    amount=st.integers(0, 2**62),
    elapsed_s=st.integers(0, 40 * 86_400),
)
def test_no_amount_is_too_large(spent: int, amount: int, elapsed_s: int) -> None:
    now = NOVEMBER.start + timedelta(seconds=elapsed_s)

    forecast = forecast_nanos(spent, NOVEMBER, now=now)
    instant = reached_at(amount, spent, NOVEMBER, now=now)

    assert forecast is None or forecast >= spent
    assert instant is None or instant < NOVEMBER.end
