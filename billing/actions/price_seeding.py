"""
Fill the price list: from genai-prices, and for the sandbox.

Apart from the operator's own prices, because importing genai-prices takes a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from django.db import transaction

from billing.actions.prices import lock_prices
from billing.models import Price, PriceSource
from billing.output_limits import most_output_tokens
from billing.price_seed import BEGINNING, ListedPrice, read_price_list
from orgs import audit

SANDBOX_VERSION = "1"
# What has one history of prices.
NAME = ("model", "service_tier")
name_of = attrgetter(*NAME)


@dataclass(frozen=True, slots=True)
class SeedResult:
    """How many price rows were added or were there before, and what stays unpriced."""

    new: int
    unchanged: int
    # Names, and prefixes that end in `*`.
    unpriced: tuple[str, ...]


def seed_prices(*, now: datetime) -> SeedResult:
    """
    Add the prices of names that have none; those that have some stay as they are.

    Safe to repeat and to run twice at once. What genai-prices says otherwise of names
    that are there is for the operator to review (`billing.actions.price_import`).
    """
    price_list = read_price_list()
    wanted = sandbox_prices(now=now) + [
        listed_row(price, version=price_list.version, now=now)
        for price in price_list.prices
    ]
    with transaction.atomic():
        lock_prices()
        listed = Price.objects.filter(organization=None)
        known = set(listed.values_list(*NAME))
        missing = [row for row in wanted if name_of(row) not in known]
        if missing:
            Price.objects.bulk_create(missing)
            audit.record(
                organization=None,
                actor=None,
                action="prices.seeded",
                target=f"genai-prices {price_list.version}",
                details={"new": len(missing)},
                now=now,
            )
    return SeedResult(
        new=len(missing),
        unchanged=len(wanted) - len(missing),
        unpriced=price_list.skipped,
    )


def listed_row(price: ListedPrice, *, version: str, now: datetime) -> Price:
    return Price(
        model=price.model,
        service_tier=price.service_tier,
        effective_from=price.effective_from,
        long_context_above=price.long_context_above,
        context_window=price.context_window,
        max_output_tokens=most_output_tokens(price.model),
        source=PriceSource.GENAI_PRICES,
        source_version=f"{version} (rounded up)" if price.is_rounded else version,
        created_at=now,
        **price.rates,
    )


def sandbox_prices(*, now: datetime) -> list[Price]:
    """Return the rows of the built-in models: priced like a small real one."""
    return [
        Price(
            model="sandbox-1",
            effective_from=BEGINNING,
            input_nanos=150,
            cached_input_nanos=75,
            output_nanos=600,
            max_output_tokens=4096,
            context_window=128_000,
            source=PriceSource.SANDBOX,
            source_version=SANDBOX_VERSION,
            created_at=now,
        ),
        Price(
            model="sandbox-embedding-1",
            effective_from=BEGINNING,
            input_nanos=20,
            context_window=8192,
            source=PriceSource.SANDBOX,
            source_version=SANDBOX_VERSION,
            created_at=now,
        ),
    ]
