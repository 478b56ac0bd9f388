"""Prices that an operator has in mind, as rows that are not saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import ceil

from django.db.models import QuerySet

from billing.models import Price, ServiceTier
from billing.price_conditions import EVERY_RATE
from orgs.models import Organization

# What a row says of the model itself.
OF_MODEL = ("long_context_above", "max_output_tokens", "context_window")
TERMS = (*EVERY_RATE, *OF_MODEL)


@dataclass(frozen=True, slots=True)
class PriceWish:
    """
    A price to be, from an instant on; for everybody if without an organization.

    It has rates, or is `percent` of what the list says in each tier, or ends.
    """

    organization: Organization | None
    model: str
    service_tier: str
    effective_from: datetime
    terms: Mapping[str, int | None]
    percent: Decimal | None = None
    ends: bool = False


class NothingToMarkUp(Exception):
    """The list has no price of this name then."""


def drafts_of(wish: PriceWish) -> list[Price]:
    """
    Return the rows that a wish means.

    :raises NothingToMarkUp: if it is a percentage of what the list does not price.
    """
    if wish.percent is not None:
        return marked_up(wish, wish.percent)
    terms = {} if wish.ends else wish.terms
    return [draft(wish, wish.service_tier, terms)]


def draft(wish: PriceWish, tier: str, terms: Mapping[str, int | None]) -> Price:
    return Price(
        organization=wish.organization,
        model=wish.model,
        service_tier=tier,
        effective_from=wish.effective_from,
        ends=wish.ends,
        **terms,
    )


def marked_up(wish: PriceWish, percent: Decimal) -> list[Price]:
    """Return a row for each tier of the list: a percentage of its rates, rounded up."""
    listed = [
        (tier, price_in_force(wish.model, tier, at=wish.effective_from))
        for tier in ServiceTier.values
    ]
    drafts = [
        draft(wish, tier, share_of(price, percent))
        for tier, price in listed
        if price is not None
    ]
    if not drafts:
        raise NothingToMarkUp
    return drafts


def share_of(price: Price, percent: Decimal) -> dict[str, int | None]:
    terms = {name: getattr(price, name) for name in TERMS}
    for name in EVERY_RATE:
        if terms[name] is not None:
            terms[name] = ceil(terms[name] * percent / 100)
    return terms


def history_of(
    model: str, tier: str | None = None, *, organization: Organization | None = None
) -> QuerySet[Price]:
    """Return the rows of a name, the newest first; of one owner, or of the list."""
    rows = Price.objects.filter(model=model, organization=organization)
    if tier is not None:
        rows = rows.filter(service_tier=tier)
    return rows.order_by("service_tier", "-effective_from")


def price_in_force(
    model: str, tier: str, *, at: datetime, organization: Organization | None = None
) -> Price | None:
    """Return the row of this very name that is in force; None if it ended."""
    rows = history_of(model, tier, organization=organization)
    found = rows.filter(effective_from__lte=at).first()
    return None if found is None or found.ends else found


def price_before(draft: Price) -> Price | None:
    """Return what the draft takes the place of: their own, else the list's."""
    name, at = (draft.model, draft.service_tier), draft.effective_from
    own = price_in_force(*name, at=at, organization=draft.organization)
    return own or price_in_force(*name, at=at)
