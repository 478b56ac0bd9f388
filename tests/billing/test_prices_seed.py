"""The price list is filled from a public list, never below the provider's price."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

import genai_prices
import pytest
from django.core.management import call_command
from genai_prices import types

from billing.actions.price_seeding import listed_row, seed_prices
from billing.models import Price, PriceSource
from billing.price_list import load_price_book, rates_of
from billing.price_seed import (
    BEGINNING,
    NotTellable,
    patterns_of,
    prices_of,
    read_price_list,
)
from billing.pricing import Tokens, cost_nanos
from core.money import NANOS_PER_DOLLAR
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


def tiered(base: str, *tiers: tuple[int, str]) -> types.TieredPrices:
    return types.TieredPrices(
        base=Decimal(base),
        tiers=[types.Tier(start=start, price=Decimal(price)) for start, price in tiers],
    )


def test_dollars_per_million_become_nanos_per_token() -> None:
    dollars = rates(
        input="0.15", cache_read="0.075", cache_write="0.1875", output="0.6"
    )
    (price,) = prices_of(model(dollars), "m")
    assert price.rates == {
        "input_nanos": 150,
        "cached_input_nanos": 75,
        "cache_write_nanos": 188,
        "output_nanos": 600,
    }
    assert price.long_context_above is None


def test_a_rate_finer_than_a_nano_is_rounded_up_and_marked() -> None:
    (price,) = prices_of(model(rates(input="0.0374")), "m")
    assert (price.rates, price.is_rounded) == ({"input_nanos": 38}, True)


def test_a_dated_price_begins_at_its_day() -> None:
    history = [
        types.ConditionalPrice(prices=rates(input="10")),
        types.ConditionalPrice(constraint=DATE, prices=rates(input="2")),
    ]
    listed = prices_of(model(history), "m")
    assert [(p.effective_from, p.rates["input_nanos"]) for p in listed] == [
        (BEGINNING, 10_000),
        (datetime(2026, 10, 1, tzinfo=UTC), 2_000),
    ]


def test_a_tier_is_a_long_context_with_rates_of_its_own() -> None:
    prices = types.ModelPrice(
        input_mtok=tiered("2", (272_000, "4")), output_mtok=tiered("9", (272_000, "15"))
    )
    (price,) = prices_of(model(prices), "m")
    assert price.long_context_above == 272_000
    assert price.rates == {
        "input_nanos": 2000,
        "output_nanos": 9000,
        "long_input_nanos": 4000,
        "long_output_nanos": 15_000,
    }


def test_a_kind_without_a_tier_keeps_its_rate_at_any_length() -> None:
    prices = types.ModelPrice(
        input_mtok=tiered("2", (272_000, "4")),
        cache_read_mtok=tiered("1"),
        output_mtok=Decimal(9),
    )
    (price,) = prices_of(model(prices), "m")
    assert price.rates["long_output_nanos"] == 9000
    assert price.rates["long_cached_input_nanos"] == 1000


@pytest.mark.parametrize("input_tokens", [271_999, 272_000, 272_001])
def test_a_long_request_costs_what_the_list_itself_says(input_tokens: int) -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    usage = types.Usage(
        input_tokens=input_tokens,
        cache_read_tokens=1000,
        cache_write_tokens=5000,
        output_tokens=700,
    )
    said = genai_prices.calc_price(
        usage, "gpt-6.1-sol", provider_id="openai", genai_request_timestamp=now
    )
    (row,) = (
        listed_row(price, version="1", now=now)
        for price in read_price_list().prices
        if (price.model, price.service_tier) == ("gpt-6.1-sol", "")
    )
    tokens = Tokens(input=input_tokens, cached_input=1000, cache_write=5000, output=700)
    assert cost_nanos(rates_of(row), tokens) == said.total_price * NANOS_PER_DOLLAR


@pytest.mark.parametrize("tier", ["flex", "priority"])
def test_another_tier_costs_what_the_list_itself_says(tier: str) -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    usage = types.Usage(input_tokens=300_000, cache_read_tokens=9, output_tokens=700)
    said = genai_prices.calc_price(
        usage,
        "gpt-6.1-sol",
        provider_id="openai",
        genai_request_timestamp=now,
        price_context={"service_tier": tier},
    )
    (row,) = (
        listed_row(price, version="1", now=now)
        for price in read_price_list().prices
        if (price.model, price.service_tier) == ("gpt-6.1-sol", tier)
    )
    tokens = Tokens(input=300_000, cached_input=9, output=700)
    assert cost_nanos(rates_of(row), tokens) == said.total_price * NANOS_PER_DOLLAR


def test_a_tier_has_the_later_of_two_standard_prices_beneath_it() -> None:
    listed = {
        (price.service_tier, price.effective_from.year): dict(price.rates)
        for price in read_price_list().prices
        if price.model == "o3"
    }
    # The batch price names no cached input: the standard one holds.
    assert listed["batch", 2026]["cached_input_nanos"] == 500
    assert listed["batch", 2026]["input_nanos"] == listed["", 2025]["input_nanos"] / 2


@pytest.mark.parametrize(
    "prices",
    [
        rates(input="0"),
        rates(output="1"),
        types.ModelPrice(input_mtok=Decimal(1), video_mtok=Decimal(3)),
        types.ModelPrice(input_mtok=tiered("1", (272_000, "0"))),
        types.ModelPrice(input_mtok=tiered("1", (100_000, "2"), (272_000, "3"))),
        types.ModelPrice(
            input_mtok=tiered("1", (100_000, "2")),
            output_mtok=tiered("1", (272_000, "2")),
        ),
    ],
    ids=["zero", "no-input", "video", "zero-tier", "two-tiers", "two-thresholds"],
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
            types.ClauseRegex(regex=r"^e-6\.1-\d{4}-\d{2}-\d{2}$"),
            types.ClauseRegex(regex=r"^(f|g)-\d{4}-\d{2}-\d{2}$"),
        ]
    )
    assert patterns_of(clause) == {"a", "b-*", "e-6.1-20*"}


def test_the_bundled_list_prices_common_models_and_leaves_out_the_rest() -> None:
    price_list = read_price_list()
    names = {price.model for price in price_list.prices}
    assert {"gpt-4o", "gpt-4o-mini", "gpt-5", "o3", "text-embedding-3-small"} <= names
    assert {"gpt-5.4", "gpt-5.5", "gpt-5.6", "gpt-6-astra", "gpt-6.1-sol"} <= names
    assert {"gpt-5.6-sol-20*", "gpt-6.1-terra-20*"} <= names
    assert {"gpt-4o-audio-preview*", "gpt-5-image", "gpt-realtime"} <= set(
        price_list.skipped
    )
    assert not names & set(price_list.skipped)


@pytest.mark.django_db
def test_seeding_fills_the_price_list_once() -> None:
    first = seed_prices(now=NOW)
    second = seed_prices(now=NOW)
    assert (first.new, first.unchanged) == (Price.objects.count(), 0)
    assert (second.new, second.unchanged) == (0, first.new)
    assert AuditEvent.objects.filter(action="prices.seeded").count() == 1


@pytest.mark.django_db
def test_no_model_that_stays_unpriced_is_priced_as_another() -> None:
    unpriced = seed_prices(now=NOW).unpriced
    book = load_price_book()
    assert [name for name in unpriced if book.find(name.rstrip("*"), NOW)] == []


@pytest.mark.django_db
def test_the_command_lists_what_stays_unpriced() -> None:
    printed = StringIO()
    call_command("seed_prices", stdout=printed)
    first, *names = printed.getvalue().splitlines()
    assert first.endswith(f"{len(names)} models left unpriced:")
    assert "  gpt-5-image" in names


@pytest.mark.django_db
def test_seeding_never_changes_a_row_that_exists() -> None:
    Price.objects.create(
        model="gpt-4o",
        effective_from=BEGINNING,
        input_nanos=7,
        source=PriceSource.OPERATOR,
    )
    seed_prices(now=NOW)
    assert Price.objects.get(model="gpt-4o", service_tier="").input_nanos == 7


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
