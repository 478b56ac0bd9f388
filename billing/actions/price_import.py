"""
Take prices over from genai-prices, as the operator reviewed them.

Apart from the operator's own prices, because importing genai-prices takes a while.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata

from django.db import transaction

from billing.actions.price_seeding import listed_row
from billing.actions.prices import ChangedMeanwhile, mark_of_prices, save_prices
from billing.models import Price, PriceSource
from billing.price_differences import PriceDifference, differences
from billing.price_seed import read_price_list
from orgs import audit
from orgs.models import User

# An event of the audit log tells of so many by name.
NAMES_TOLD = 100


@dataclass(frozen=True, slots=True)
class Review:
    """What the public list says otherwise. `mark` says between which two lists."""

    version: str
    mark: str
    differences: tuple[PriceDifference, ...]


def review_of(*, starts: datetime, now: datetime) -> Review:
    """Return what there is to take over, beginning at `starts` where it is undated."""
    public = read_price_list()
    listed = [
        listed_row(price, version=public.version, now=now) for price in public.prices
    ]
    ours = Price.objects.filter(organization=None)
    found = differences(listed, ours, starts=starts, now=now)
    return Review(public.version, current_mark(), tuple(found))


def current_mark() -> str:
    return f"{metadata.version('genai-prices')} {mark_of_prices()}"


@transaction.atomic
def import_prices(
    *,
    keys: Collection[str],
    seen: str,
    starts: datetime,
    acting_user: User,
    now: datetime,
) -> int:
    """
    Take over the differences that the keys name; return how many.

    All of them or none; a second time there is nothing left to take.

    :raises billing.actions.prices.BeginsInThePast: if `starts` is in the past.
    :raises billing.actions.prices.ChangedMeanwhile: if one of the two lists is another
        than the one that was `seen`.
    """
    review = review_of(starts=starts, now=now)
    taken = [each.after for each in review.differences if each.key in keys]
    if seen != review.mark or len(taken) != len(set(keys)):
        raise ChangedMeanwhile
    if not taken:
        return 0
    for price in taken:
        price.source = PriceSource.GENAI_PRICES
        price.source_version = price.source_version or review.version
    save_prices(taken, seen=seen.split()[1], acting_user=acting_user, now=now)
    audit.record(
        organization=None,
        actor=acting_user,
        action="prices.imported",
        target=f"genai-prices {review.version}",
        details={
            "taken": len(taken),
            "models": sorted({price.model for price in taken})[:NAMES_TOLD],
        },
        now=now,
    )
    return len(taken)
