"""Which price is in force, and what tokens cost at it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.price_book import PriceBook
from billing.pricing import Rates, Tokens, cost_nanos

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
MAY = datetime(2026, 5, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def rates(model: str = "m", price_id: int = 1, input_nanos: int = 100) -> Rates:
    return Rates(price_id, model, input_nanos, 10, 1000, None, None)


def book(*entries: tuple[str, datetime, int]) -> PriceBook:
    """Make a book of `(pattern, effective from, price id)`."""
    return PriceBook((name, at, rates(name, price)) for name, at, price in entries)


def found(prices: PriceBook, model: str, at: datetime = MAY) -> int | None:
    rates = prices.find(model, at)
    return rates.price_id if rates else None


def test_a_price_holds_from_its_instant_until_the_next() -> None:
    prices = book(("m", MAY, 2), ("m", JANUARY, 1))

    assert found(prices, "m", JANUARY - INSTANT) is None
    assert found(prices, "m", JANUARY) == 1
    assert found(prices, "m", MAY - INSTANT) == 1
    assert found(prices, "m", MAY) == 2
    assert found(prices, "m", MAY + timedelta(days=9000)) == 2


def test_a_model_without_a_price_is_unpriced() -> None:
    assert found(book(("m", JANUARY, 1)), "other") is None
    assert found(PriceBook([]), "m") is None


def test_a_prefix_prices_what_begins_with_it() -> None:
    prices = book(("gpt-5*", JANUARY, 1))

    assert found(prices, "gpt-5") == 1
    assert found(prices, "gpt-5-2026-05-01") == 1
    assert found(prices, "gpt-4") is None
    assert found(prices, "my-gpt-5") is None


def test_the_longest_prefix_wins_and_an_exact_name_beats_it() -> None:
    prices = book(
        ("gpt-5*", JANUARY, 1), ("gpt-5-mini*", JANUARY, 2), ("gpt-5-mini", JANUARY, 3)
    )

    assert found(prices, "gpt-5-mini") == 3
    assert found(prices, "gpt-5-mini-2") == 2
    assert found(prices, "gpt-5-max") == 1


def test_a_prefix_is_not_a_model_that_can_be_asked_for() -> None:
    prices = book(("b", JANUARY, 1), ("a", JANUARY, 2), ("c*", JANUARY, 3))

    assert prices.models(MAY) == ["a", "b"]
    assert prices.models(JANUARY - INSTANT) == []


def test_cost_is_the_sum_over_the_kinds_of_token() -> None:
    tokens = Tokens(input=1000, cached_input=400, output=30, reasoning=20)

    assert cost_nanos(rates(), tokens) == 600 * 100 + 400 * 10 + 30 * 1000


def test_reasoning_is_part_of_output_and_not_charged_twice() -> None:
    with_reasoning = Tokens(input=1, output=30, reasoning=30)

    assert cost_nanos(rates(), with_reasoning) == cost_nanos(
        rates(), Tokens(input=1, output=30)
    )


def test_cached_input_without_a_rate_of_its_own_is_charged_as_input() -> None:
    plain = Rates(1, "m", 100, None, 1000, None, None)

    assert cost_nanos(plain, Tokens(input=10, cached_input=4)) == 10 * 100


def test_more_cached_tokens_than_input_are_not_believed() -> None:
    assert cost_nanos(rates(), Tokens(input=10, cached_input=99)) == 10 * 10


def test_the_highest_input_rate_is_the_dearer_of_two() -> None:
    assert rates().highest_input_nanos == 100
    assert Rates(1, "m", 100, 250, None, None, None).highest_input_nanos == 250
    assert Rates(1, "m", 100, None, None, None, None).highest_input_nanos == 100


counts = st.integers(0, 10_000_000)


@given(a=counts, b=counts, output=counts)
def test_cost_is_whole_never_negative_and_grows_with_tokens(
    a: int, b: int, output: int
) -> None:
    less, more = sorted((a, b))
    cost = cost_nanos(
        rates(), Tokens(input=less, cached_input=less // 2, output=output)
    )

    assert isinstance(cost, int)
    assert cost >= 0
    assert cost <= cost_nanos(rates(), Tokens(input=more, output=output))


@given(st.lists(st.integers(0, 400), min_size=1, max_size=8, unique=True), counts)
def test_the_price_in_force_is_the_latest_that_has_begun(
    days: list[int], later: int
) -> None:
    starts = [JANUARY + timedelta(days=day) for day in days]
    prices = book(*(("m", start, number) for number, start in enumerate(starts)))
    at = JANUARY + timedelta(days=later % 500)

    begun = [start for start in starts if start <= at]
    expected = starts.index(max(begun)) if begun else None
    assert found(prices, "m", at) == expected


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_the_rows_does_not_matter(order: int) -> None:
    rows = [("m", JANUARY, 1), ("m", MAY, 2), ("m*", JANUARY, 3)][::order]

    assert found(book(*rows), "m") == 2
    assert found(book(*rows), "mm") == 3
