"""The price list is filled from a public list, never below the provider's price."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from genai_prices import types

from billing.actions.prices import seed_prices
from billing.models import Price, PriceSource
from billing.price_seed import (
    BEGINNING,
    NotTellable,
    patterns_of,
    prices_of,
    read_price_list,
)
from orgs.models import AuditEvent
from tests.factories import NOW

DATE = types.StartDateConstraint(start_date=datetime(2026, 10, 1).date())  # noqa: DTZ001


def model(prices: types.ModelPrice | list[types.ConditionalPrice]) -> types.ModelInfo:
    match = types.ClauseEquals(equals="m")
    return types.ModelInfo(id="m", match=match, prices=prices, context_window=8192)


def rates(**dollars: str) -> types.ModelPrice:
    return types.ModelPrice(
        **{f"{kind}_mtok": Decimal(amount) for kind, amount in dollars.items()}
    )


def test_dollars_per_million_become_nanos_per_token() -> None:
    listed = prices_of(
        model(rates(input="0.15", cache_read="0.075", output="0.6")), "m"
    )
    assert [(p.input_nanos, p.cached_input_nanos, p.output_nanos) for p in listed] == [
        (150, 75, 600)
    ]


def test_a_rate_finer_than_a_nano_is_rounded_up_and_marked() -> None:
    (price,) = prices_of(model(rates(input="0.0374")), "m")
    assert (price.input_nanos, price.is_rounded) == (38, True)


def test_a_dated_price_begins_at_its_day() -> None:
    history = [
        types.ConditionalPrice(prices=rates(input="10")),
        types.ConditionalPrice(constraint=DATE, prices=rates(input="2")),
    ]
    listed = prices_of(model(history), "m")
    assert [(p.effective_from, p.input_nanos) for p in listed] == [
        (BEGINNING, 10_000),
        (datetime(2026, 10, 1, tzinfo=UTC), 2_000),
    ]


@pytest.mark.parametrize(
    "prices",
    [
        rates(input="0"),
        rates(output="1"),
        rates(input="1", input_audio="30"),
        rates(input="1", cache_write="1.25"),
        types.ModelPrice(
            input_mtok=types.TieredPrices(
                base=Decimal(1), tiers=[types.Tier(start=272_000, price=Decimal(2))]
            )
        ),
    ],
    ids=["zero", "no-input", "audio", "cache-write", "tiers"],
)
def test_what_our_rates_do_not_tell_stays_unpriced(prices: types.ModelPrice) -> None:
    with pytest.raises(NotTellable):
        prices_of(model(prices), "m")


def test_one_period_that_cannot_be_told_leaves_out_all() -> None:
    history = [
        types.ConditionalPrice(prices=rates(input="1")),
        types.ConditionalPrice(constraint=DATE, prices=rates(input="0")),
    ]
    with pytest.raises(NotTellable):
        prices_of(model(history), "m")


def test_names_and_prefixes_are_taken_and_other_clauses_left() -> None:
    clause = types.ClauseOr(
        or_=[
            types.ClauseEquals(equals="a"),
            types.ClauseStartsWith(starts_with="b-"),
            types.ClauseContains(contains="c"),
            types.ClauseRegex(regex="^d"),
        ]
    )
    assert patterns_of(clause) == {"a", "b-*"}


def test_the_bundled_list_prices_common_models_and_leaves_out_the_rest() -> None:
    price_list = read_price_list()
    names = {price.model for price in price_list.prices}
    assert {"gpt-4o", "gpt-4o-mini", "gpt-5", "o3", "text-embedding-3-small"} <= names
    assert {"whisper-1", "tts-1", "gpt-4o-audio-preview*"} <= set(price_list.skipped)
    assert not names & set(price_list.skipped)


@pytest.mark.django_db
def test_seeding_fills_the_price_list_once() -> None:
    first = seed_prices(now=NOW)
    second = seed_prices(now=NOW)
    assert (first.new, first.unchanged) == (Price.objects.count(), 0)
    assert (second.new, second.unchanged) == (0, first.new)
    assert AuditEvent.objects.filter(action="prices.seeded").count() == 1


@pytest.mark.django_db
def test_seeding_never_changes_a_row_that_exists() -> None:
    Price.objects.create(
        model="gpt-4o",
        effective_from=BEGINNING,
        input_nanos=7,
        source=PriceSource.OPERATOR,
    )
    seed_prices(now=NOW)
    assert Price.objects.get(model="gpt-4o").input_nanos == 7


@pytest.mark.django_db
def test_the_sandbox_is_priced() -> None:
    seed_prices(now=NOW)
    chat = Price.objects.get(model="sandbox-1")
    assert (chat.input_nanos, chat.cached_input_nanos, chat.output_nanos) == (
        150,
        75,
        600,
    )
    assert (chat.max_output_tokens, chat.context_window) == (4096, 128_000)
    assert Price.objects.get(model="sandbox-embedding-1").output_nanos is None
