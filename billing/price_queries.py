"""Reads for the operator's pages of prices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet

from billing.explanations import input_words, output_words
from billing.models import Price
from billing.price_drafts import price_in_force
from billing.price_list import load_price_book
from billing.pricing import STANDARD_TIER, Tokens
from orgs.models import Organization
from usage.unpriced import UnpricedModel, unpriced_models_since

ROWS_PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class PricedName:
    """
    A name of the list, or of an organization, with what holds and what is planned.

    `price` is the newest row that has begun, `planned` the next one.
    """

    model: str
    tier: str
    organization: Organization | None
    price: Price | None
    planned: Price | None
    # The other service tiers that have a price.
    tiers: tuple[str, ...] = ()
    listed: Price | None = None

    @property
    def is_in_force(self) -> bool:
        return self.price is not None and not self.price.ends


def list_page(*, find: str, number: str, now: datetime) -> Page[Any]:
    """Return a page of the list's names with their standard prices."""
    listed = Price.objects.filter(organization=None)
    names = (
        listed.filter(named_like(find))
        .order_by("model")
        .values_list("model", flat=True)
        .distinct()
    )
    page: Page[Any] = Paginator(names, ROWS_PER_PAGE).get_page(number)
    found = priced_names(listed.filter(model__in=list(page.object_list)), now=now)
    by_model: dict[str, list[PricedName]] = defaultdict(list)
    for each in found:
        by_model[each.model].append(each)
    page.object_list = [with_tiers(rows) for rows in by_model.values()]
    return page


def with_tiers(rows: list[PricedName]) -> PricedName:
    """Return a name's standard price, which knows of its other tiers."""
    standard = next((r for r in rows if r.tier == STANDARD_TIER), rows[0])
    tiers = tuple(r.tier for r in rows if r is not standard and r.is_in_force)
    return replace(standard, tiers=tiers)


def own_page(*, find: str, number: str, now: datetime) -> Page[Any]:
    """Return a page of the prices that organizations have of their own."""
    own = Price.objects.filter(organization__isnull=False)
    wanted = named_like(find)
    if find:
        wanted |= Q(organization__name__icontains=find)
        wanted |= Q(organization__public_id__iexact=find)
    names = (
        own.filter(wanted)
        .order_by("organization__name", "organization_id", "model", "service_tier")
        .values_list("organization__name", "organization_id", "model", "service_tier")
        .distinct()
    )
    page: Page[Any] = Paginator(names, ROWS_PER_PAGE).get_page(number)
    keys = [key[1:] for key in page.object_list]
    rows = own.filter(
        organization_id__in={key[0] for key in keys}, model__in={key[1] for key in keys}
    )
    found = {
        (each.organization.pk, each.model, each.tier): each
        for each in priced_names(rows, now=now)
        if each.organization
    }
    page.object_list = [
        replace(
            found[key], listed=price_in_force(found[key].model, found[key].tier, at=now)
        )
        for key in keys
    ]
    return page


def named_like(find: str) -> Q:
    return Q(model__icontains=find) if find else Q()


def priced_names(rows: QuerySet[Price], *, now: datetime) -> list[PricedName]:
    """Return the names of some rows, each with what holds and what comes next."""
    histories: dict[tuple[Any, ...], list[Price]] = defaultdict(list)
    ordered = rows.select_related("organization", "created_by")
    for price in ordered.order_by("model", "service_tier", "effective_from"):
        key = price.organization_id, price.model, price.service_tier
        histories[key].append(price)
    return [priced_name(history, now=now) for history in histories.values()]


def priced_name(history: list[Price], *, now: datetime) -> PricedName:
    begun = [price for price in history if price.effective_from <= now]
    planned = [price for price in history if price.effective_from > now]
    any_row = history[0]
    return PricedName(
        model=any_row.model,
        tier=any_row.service_tier,
        organization=any_row.organization,
        price=begun[-1] if begun else None,
        planned=planned[0] if planned else None,
    )


@dataclass(frozen=True, slots=True)
class UnpricedUse:
    """A model that is used and has no price, with its volume."""

    model: str
    requests: int
    organizations: int
    last_used_at: datetime
    tokens: Tokens

    @property
    def total_tokens(self) -> int:
        return self.tokens.input + self.tokens.output

    @property
    def input_words(self) -> str:
        return input_words(self.tokens)

    @property
    def output_words(self) -> str:
        return output_words(self.tokens)


def unpriced_in_use(*, since: datetime, now: datetime) -> list[UnpricedUse]:
    """Return the models used since then that still have no price, most used first."""
    book = load_price_book()
    still = [
        each
        for each in unpriced_models_since(since)
        if book.of(each.organization_id).find(each.model, now) is None
    ]
    by_model: dict[str, list[UnpricedModel]] = defaultdict(list)
    for each in still:
        by_model[each.model].append(each)
    found = [unpriced_use(model, uses) for model, uses in by_model.items()]
    return sorted(found, key=lambda use: -use.requests)


def unpriced_use(model: str, uses: Iterable[UnpricedModel]) -> UnpricedUse:
    found = list(uses)
    tokens = Tokens()
    for each in found:
        tokens = tokens.plus(tokens_of(each.counts))
    return UnpricedUse(
        model=model,
        requests=sum(each.requests for each in found),
        organizations=len(found),
        last_used_at=max(each.last_used_at for each in found),
        tokens=tokens,
    )


def tokens_of(counts: dict[str, int]) -> Tokens:
    return Tokens(**{name.removesuffix("_tokens"): n for name, n in counts.items()})
