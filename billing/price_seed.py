"""
The price list of genai-prices, as rows of ours. The only module that imports it.

Taken over is only what a price row of ours tells in full: rates by kind of token, per
character and per second, and others above one length of the prompt for text. A model
with a rate beyond them would be charged below its provider's price: it is left out,
and an unpriced model is refused wherever a limit applies.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from importlib import metadata

from genai_prices import data, types

from billing.pricing import STANDARD_TIER
from core.money import NANOS_PER_DOLLAR

PROVIDER = "openai"
PER_MILLION = 1_000_000
SECONDS_PER_HOUR = 3600
# When the list's undated prices begin: before any record of ours.
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
# The list's names of our rates of text, and of what costs the same at any length.
COLUMNS = {
    "input_mtok": "input_nanos",
    "cache_read_mtok": "cached_input_nanos",
    "cache_write_mtok": "cache_write_nanos",
    "output_mtok": "output_nanos",
}
MEDIA_COLUMNS = {
    "input_audio_mtok": "audio_input_nanos",
    "cache_audio_read_mtok": "cached_audio_input_nanos",
    "input_image_mtok": "image_input_nanos",
    "cache_image_read_mtok": "cached_image_input_nanos",
    "output_audio_mtok": "audio_output_nanos",
    "output_image_mtok": "image_output_nanos",
    "input_mchars": "character_nanos",
    "input_audio_hours": "second_nanos",
}
# All sound, which is the input's: what OpenAI transcribes is charged by its length.
SAME_AS = {"audio_hours": "input_audio_hours"}
# The list's names of our service tiers. Its others are the same under another name.
TIERS = {
    frozenset({("service_tier", "flex")}): "flex",
    frozenset({("service_tier", "priority")}): "priority",
    frozenset({("processing", "batch")}): "batch",
}
# Fees per call of a tool. They are no part of a token's price, and a request that
# asks for such a tool is refused by the gateway.
TOOL_FEES = frozenset({"web_searches_kcount", "storage_searches_kcount"})
# How the list writes the dated names of a model, such as `gpt-6-sol-2026-07-09`.
DATED_NAMES = re.compile(r"\^(?P<name>(?:[\w-]|\\\.)+)-\\d\{4\}-\\d\{2\}-\\d\{2\}\$")
# Models with costs that no price row tells, though the list may name no rate for it.
COSTS_BEYOND_RATES = (
    "-live",
    "-search",
    "computer-use",
    "deep-research",
    "realtime",
)
# Models that hear, see or draw: of these rates, the list must name one.
MUST_NAME = {
    "audio": ("input_audio_mtok",),
    "image": ("input_image_mtok",),
    "transcribe": ("input_audio_mtok", "input_audio_hours"),
    "tts": ("input_mchars", "output_mtok"),
}
# Models that give nothing else: the list states it as the rate of all output.
GIVE_ONLY = {"image": "output_image_mtok", "tts": "output_audio_mtok"}


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """Rates in nano-dollars, by column of `Price`, from an instant on."""

    model: str
    service_tier: str
    effective_from: datetime
    rates: Mapping[str, int]
    # With more input tokens the long rates hold; None if there are none.
    long_context_above: int | None
    context_window: int | None
    # Whether the provider's rate was finer than a nano-dollar per token.
    is_rounded: bool


@dataclass(frozen=True, slots=True)
class PriceList:
    """What the list says, and the names of models that it cannot price for us."""

    version: str
    prices: tuple[ListedPrice, ...]
    skipped: tuple[str, ...]


class NotTellable(Exception):
    """A price has parts that a price row of ours does not tell."""


def read_price_list() -> PriceList:
    """Return the prices of OpenAI's models by service tier, from the bundled data."""
    provider = next(one for one in data.providers if one.id == PROVIDER)
    prices: dict[tuple[str, str, datetime], ListedPrice] = {}
    skipped: list[str] = []
    for model in provider.models:
        for pattern in sorted(patterns_of(model.match)):
            try:
                listed = prices_of(model, pattern)
            except NotTellable:
                skipped.append(pattern)
                continue
            for price in [*listed, *tier_prices_of(model, pattern)]:
                key = (price.model, price.service_tier, price.effective_from)
                prices.setdefault(key, price)
    version = metadata.version("genai-prices")
    return PriceList(version, tuple(prices.values()), tuple(skipped))


def patterns_of(clause: types.MatchLogic) -> set[str]:
    """
    Return exact names, and prefixes that end in `*`; other clauses are left out.

    Names that end in a date are a prefix that ends in the century.
    """
    match clause:
        case types.ClauseEquals():
            return {clause.equals}
        case types.ClauseStartsWith():
            return {f"{clause.starts_with}*"}
        case types.ClauseRegex():
            dated = DATED_NAMES.fullmatch(clause.regex)
            return {f"{dated['name']}-20*".replace("\\", "")} if dated else set()
        case types.ClauseOr():
            return {name for part in clause.or_ for name in patterns_of(part)}
        case _:
            return set()


def prices_of(model: types.ModelInfo, pattern: str) -> list[ListedPrice]:
    """
    Return the dated prices of a model: all of them or none.

    With one left out, the price before it would go on beyond its end.

    :raises NotTellable: if one of them has parts that our rates do not tell.
    """
    if any(word in pattern for word in COSTS_BEYOND_RATES):
        raise NotTellable
    return [
        listed_price(model, pattern, effective_from, rates)
        for effective_from, rates in dated_rates(model.prices)
    ]


def tier_prices_of(model: types.ModelInfo, pattern: str) -> list[ListedPrice]:
    """
    Return the prices of the other service tiers; a tier that cannot be told has none.

    The list has what differs from the standard price, from a day on.
    """
    found: dict[tuple[str, datetime], ListedPrice] = {}
    for began, standard in dated_rates(model.prices):
        for variant in model.price_variants or ():
            changes = {k: v for k, v in vars(variant.prices).items() if v is not None}
            tier = TIERS.get(frozenset(variant.when.items()))
            if tier is None or not changes:
                continue
            rates = copy(standard)
            vars(rates).update(changes)
            try:
                start = max(began, start_of(variant.constraint))
                price = listed_price(model, pattern, start, rates, tier=tier)
            except NotTellable:
                continue
            # Of two standard prices before the tier's first day the later one holds.
            found[tier, start] = price
    return list(found.values())


def dated_rates(
    prices: types.ModelPrice | list[types.ConditionalPrice],
) -> Iterator[tuple[datetime, types.ModelPrice]]:
    """Give each price with the instant from which it is in force."""
    if isinstance(prices, types.ModelPrice):
        yield BEGINNING, prices
        return
    for conditional in prices:
        yield start_of(conditional.constraint), conditional.prices


def start_of(constraint: object) -> datetime:
    """
    Return the instant from which a price holds.

    :raises NotTellable: if it holds at some hours of the day only.
    """
    match constraint:
        case None:
            return BEGINNING
        case types.StartDateConstraint(start_date=day):
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        case _:
            raise NotTellable


def listed_price(
    model: types.ModelInfo,
    pattern: str,
    effective_from: datetime,
    rates: types.ModelPrice,
    *,
    tier: str = STANDARD_TIER,
) -> ListedPrice:
    stated = stated_rates(rates, pattern)
    listed = {COLUMNS[name]: stated[name] for name in COLUMNS if name in stated}
    above = length_threshold(listed.values())
    exact = {name: nanos_each(standard_rate(rate)) for name, rate in listed.items()}
    if above is not None:
        for name, rate in listed.items():
            exact[f"long_{name}"] = nanos_each(long_rate(rate))
    for name, column in MEDIA_COLUMNS.items():
        if name in stated:
            units = SECONDS_PER_HOUR if name.endswith("_hours") else PER_MILLION
            exact[column] = nanos_each(stated[name], units=units)
    return ListedPrice(
        model=pattern,
        service_tier=tier,
        effective_from=effective_from,
        # Rounded up: a charge is never below the provider's price.
        rates={name: math.ceil(nanos) for name, nanos in exact.items()},
        long_context_above=above,
        context_window=model.context_window,
        is_rounded=not are_whole(exact.values()),
    )


def stated_rates(rates: types.ModelPrice, pattern: str) -> dict[str, object]:
    """
    Return the rates that the list states, under one name each.

    :raises NotTellable: if there are others than ours, or one is missing.
    """
    stated = {name: value for name, value in vars(rates).items() if value is not None}
    for name, other in SAME_AS.items():
        if name in stated and stated.pop(name) != stated.get(other):
            raise NotTellable
    if not stated.keys() <= COLUMNS.keys() | MEDIA_COLUMNS.keys() | TOOL_FEES:
        raise NotTellable
    if not stated.keys() & {"input_mtok", "input_mchars", "input_audio_hours"}:
        raise NotTellable
    for word, names in MUST_NAME.items():
        if word in pattern and not stated.keys() & set(names):
            raise NotTellable
    for word, name in GIVE_ONLY.items():
        if word in pattern and "output_mtok" in stated:
            stated.setdefault(name, stated["output_mtok"])
    return stated


def length_threshold(rates: Iterable[object]) -> int | None:
    """
    Return the number of input tokens above which other rates hold, if they do.

    As in genai-prices, they hold for a request with *more* input tokens, and then for
    all of its tokens.

    :raises NotTellable: if there are several such numbers.
    """
    tiers = [
        t for rate in rates if isinstance(rate, types.TieredPrices) for t in rate.tiers
    ]
    starts = {tier.start for tier in tiers}
    if len(starts) > 1:
        raise NotTellable
    return min(starts, default=None)


def standard_rate(rate: object) -> object:
    return rate.base if isinstance(rate, types.TieredPrices) else rate


def long_rate(rate: object) -> object:
    """Return the rate of a long request: the standard one if there is no other."""
    if isinstance(rate, types.TieredPrices) and rate.tiers:
        return rate.tiers[-1].price
    return standard_rate(rate)


def nanos_each(dollars: object, *, units: int = PER_MILLION) -> Decimal:
    """
    Convert a rate of the list, which is for so many units.

    :raises NotTellable: if it is zero: the list says zero where it does not know.
    """
    if not isinstance(dollars, Decimal) or dollars <= 0:
        raise NotTellable
    return dollars * NANOS_PER_DOLLAR / units


def are_whole(amounts: Iterable[Decimal]) -> bool:
    return all(amount == amount.to_integral_value() for amount in amounts)
