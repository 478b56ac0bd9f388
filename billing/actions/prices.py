"""The operator's own prices: for everybody, or agreed with one organization."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Max

from billing.models import Price, PriceSource
from billing.price_conditions import LONG_RATES, MEDIA_RATES, RATES
from orgs import audit
from orgs.models import User

AUDITED = (
    "service_tier",
    "ends",
    *RATES,
    *MEDIA_RATES,
    "long_context_above",
    *LONG_RATES,
)
PRICES_MAX = 1000
# A gateway whose clock is ahead charges by a price before it begins here.
CLOCKS_APART = timedelta(minutes=1)


class BeginsInThePast(Exception):
    """A price would say that what was charged is wrong."""


class ChangedMeanwhile(Exception):
    """Prices are others than those that the operator looked at."""


class HasBegun(Exception):
    """A price is in force, or about to be: it stays."""


@transaction.atomic
def add_prices(
    *,
    prices: Sequence[Price],
    seen: str | None = None,
    acting_user: User,
    now: datetime,
) -> None:
    """
    Add the operator's own prices, all of them or none. Rows that exist never change.

    Gateways learn of them at the commit. With `seen`, the mark of the prices that the
    operator looked at, they are added only if no other was meanwhile.

    :raises BeginsInThePast: if one of them does.
    :raises ChangedMeanwhile: if prices are others than those seen, or one exists.
    """
    for price in prices:
        price.source = PriceSource.OPERATOR
    save_prices(prices, seen=seen, acting_user=acting_user, now=now)
    for price in prices:
        audit.record(
            organization=price.organization,
            actor=acting_user,
            action="price.created",
            target=target_of(price),
            details={"after": facts_of(price)},
            now=now,
        )


def save_prices(
    prices: Sequence[Price], *, seen: str | None, acting_user: User, now: datetime
) -> None:
    """Insert prices under the lock of the price list; see `add_prices`."""
    assert 0 < len(prices) <= PRICES_MAX
    if any(price.effective_from < now for price in prices):
        raise BeginsInThePast
    lock_prices()
    has_changed = seen is not None and seen != mark_of_prices()
    if has_changed or any(map(exists, prices)):
        raise ChangedMeanwhile
    for price in prices:
        price.created_at, price.created_by = now, acting_user
    Price.objects.bulk_create(prices)


def exists(price: Price) -> bool:
    return Price.objects.filter(
        organization=price.organization,
        model=price.model,
        service_tier=price.service_tier,
        effective_from=price.effective_from,
    ).exists()


@transaction.atomic
def withdraw_price(*, price: Price, acting_user: User, now: datetime) -> None:
    """
    Take a price away that has not begun. Of one that is gone this changes nothing.

    :raises HasBegun: if it begins within a minute, or has begun.
    """
    lock_prices()
    if price.effective_from <= now + CLOCKS_APART:
        raise HasBegun
    deleted, _ = Price.objects.filter(pk=price.pk).delete()
    if deleted:
        audit.record(
            organization=price.organization,
            actor=acting_user,
            action="price.withdrawn",
            target=target_of(price),
            details={"before": facts_of(price)},
            now=now,
        )


def lock_prices() -> None:
    """Wait until nobody else changes prices; locked until the commit."""
    assert connection.in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('billing_price'))")


def mark_of_prices() -> str:
    """Return a text that is another one whenever there are other prices."""
    found = Price.objects.aggregate(count=Count("pk"), newest=Max("pk"))
    return f"{found['count']}-{found['newest']}"


def facts_of(price: Price) -> dict[str, Any]:
    """Return what an audit event tells of a price: what is not empty."""
    facts = {name: getattr(price, name) for name in AUDITED}
    told = {name: value for name, value in facts.items() if value not in (None, False)}
    return {"effective_from": price.effective_from.isoformat(), **told}


def target_of(price: Price) -> str:
    return f"{price.model} from {price.effective_from:%Y-%m-%d %H:%M}"[:120]
