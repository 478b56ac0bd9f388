"""The price list as a price book at hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from billing.models import Price
from billing.price_book import DatedRates, PriceBook
from billing.pricing import LongContext, Rates


def load_price_book() -> PriceBook:
    """Read every price, past and future, of the list and of organizations."""
    return book_of(Price.objects.all())


def book_of(prices: Iterable[Price]) -> PriceBook:
    by_owner: dict[int | None, list[DatedRates]] = defaultdict(list)
    for price in prices:
        dated = price.model, price.effective_from, rates_of(price)
        by_owner[price.organization_id].append(dated)
    listed = by_owner.pop(None, [])
    return PriceBook(
        listed, {key: dated for key, dated in by_owner.items() if key is not None}
    )


def rates_of(price: Price) -> Rates:
    """Return a price row's rates."""
    rates = Rates(
        price_id=price.pk,
        model=price.model,
        tier=price.service_tier,
        input_nanos=price.input_nanos,
        cached_input_nanos=price.cached_input_nanos,
        cache_write_nanos=price.cache_write_nanos,
        output_nanos=price.output_nanos,
        audio_input_nanos=price.audio_input_nanos,
        cached_audio_input_nanos=price.cached_audio_input_nanos,
        image_input_nanos=price.image_input_nanos,
        cached_image_input_nanos=price.cached_image_input_nanos,
        audio_output_nanos=price.audio_output_nanos,
        image_output_nanos=price.image_output_nanos,
        character_nanos=price.character_nanos,
        second_nanos=price.second_nanos,
        max_output_tokens=price.max_output_tokens,
        context_window=price.context_window,
    )
    return replace(rates, long_context=long_context_of(price, rates))


def long_context_of(price: Price, rates: Rates) -> LongContext | None:
    """Return the long rates: those of text are others, the rest stays."""
    if price.long_context_above is None or price.long_input_nanos is None:
        return None
    long_rates = replace(
        rates,
        input_nanos=price.long_input_nanos,
        cached_input_nanos=price.long_cached_input_nanos,
        cache_write_nanos=price.long_cache_write_nanos,
        output_nanos=price.long_output_nanos,
    )
    return LongContext(above=price.long_context_above, rates=long_rates)
