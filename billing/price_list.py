"""The price list as a price book at hand."""

from __future__ import annotations

from billing.models import Price
from billing.pricing import LongContext, PriceBook, Rates


def load_price_book() -> PriceBook:
    """Read every price, past and future."""
    return PriceBook(
        (price.model, price.effective_from, rates_of(price))
        for price in Price.objects.all()
    )


def rates_of(price: Price) -> Rates:
    """Return a price row's rates."""
    return Rates(
        price_id=price.pk,
        model=price.model,
        input_nanos=price.input_nanos,
        cached_input_nanos=price.cached_input_nanos,
        cache_write_nanos=price.cache_write_nanos,
        output_nanos=price.output_nanos,
        max_output_tokens=price.max_output_tokens,
        context_window=price.context_window,
        long_context=long_context_of(price),
    )


def long_context_of(price: Price) -> LongContext | None:
    if price.long_context_above is None or price.long_input_nanos is None:
        return None
    return LongContext(
        above=price.long_context_above,
        rates=Rates(
            price_id=price.pk,
            model=price.model,
            input_nanos=price.long_input_nanos,
            cached_input_nanos=price.long_cached_input_nanos,
            cache_write_nanos=price.long_cache_write_nanos,
            output_nanos=price.long_output_nanos,
            max_output_tokens=price.max_output_tokens,
            context_window=price.context_window,
        ),
    )
