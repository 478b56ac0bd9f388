"""What prices that are not saved yet would have made of the last billing cycle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection
from django.db.models import Sum
from django.db.models.functions import TruncDate
from psycopg.types.json import Jsonb

from billing.charges_sql import CHARGES_OF_RECORD, SHARES
from billing.explanations import LABELS
from billing.models import Price, ServiceTier
from billing.price_book import PriceBook
from billing.price_conditions import LONG_RATES, MEDIA_RATES, RATES
from billing.price_list import book_of
from core.periods import Interval, cycle_of, previous_cycle, start_of_day
from orgs.models import Organization
from usage.models import UsageHour
from usage.spans import Span

# So many requests are looked at: the newest days of a cycle that has more.
REQUESTS_MAX = 1_000_000
# So many are told one by one; the rest is in the sum.
SHOWN_MAX = 50
TERMS = (*RATES, *LONG_RATES, *MEDIA_RATES, "long_context_above")
TIERS = tuple(ServiceTier.values)
# Quantities of one price each, by organization, model and kind. Which price is said
# for each organization, model and tier; a request without a price has the tier that
# its answer named.
CHARGES = f"""
    SELECT record.organization_id, record.model, record.simulated, charge.kind,
           sum(charge.quantity)::bigint,
           sum(charge.quantity * coalesce(charge.nanos, 0))::bigint,
           coalesce(sum(charge.quantity) FILTER (WHERE charge.nanos IS NULL), 0)::bigint
    FROM (
        SELECT used.*, chosen.place
        FROM usage_usagerecord AS used
        LEFT JOIN billing_price AS own ON own.id = used.price_id
        JOIN unnest(
            %(organizations)s::bigint[], %(models)s::text[], %(tiers)s::text[],
            %(places)s::bigint[]
        ) AS chosen (organization_id, model, tier, place)
            ON chosen.organization_id = used.organization_id
            AND chosen.model = used.model
            AND chosen.tier = coalesce(own.service_tier, CASE
                WHEN used.service_tier = ANY(%(named)s) THEN used.service_tier
                ELSE '' END)
        WHERE used.cycle_start = %(cycle_start)s AND used.outcome <> 'cached'
            AND used.occurred_at >= %(start)s AND used.occurred_at < %(end)s
    ) AS record
    JOIN jsonb_populate_recordset(NULL::billing_price, %(prices)s) AS price
        ON price.id = record.place
    {SHARES}
    CROSS JOIN LATERAL ({CHARGES_OF_RECORD}) AS charge (
        place, kind, quantity, nanos, has_long
    )
    WHERE charge.quantity <> 0
    GROUP BY 1, 2, 3, charge.place, 4
    ORDER BY charge.place
"""  # noqa: S608 - our own SQL


@dataclass(frozen=True, slots=True)
class Basis:
    """The usage that is looked at: a cycle, or its days from `first` on."""

    cycle_start: date
    first: date
    interval: Interval

    @property
    def is_whole(self) -> bool:
        return self.first == self.cycle_start


@dataclass(slots=True)
class KindEffect:
    """A kind of tokens: what it costs before and after; None where it is unpriced."""

    label: str
    quantity: int = 0
    before_nanos: int | None = None
    after_nanos: int | None = None

    @property
    def difference_nanos(self) -> int | None:
        if self.before_nanos is None or self.after_nanos is None:
            return None
        return self.after_nanos - self.before_nanos


@dataclass(slots=True)
class ModelEffect:
    """A model of an organization, as far as its prices are others."""

    organization: Organization
    model: str
    simulated: bool
    kinds: dict[str, KindEffect] = field(default_factory=dict)

    @property
    def quantity(self) -> int:
        return sum(each.quantity for each in self.kinds.values())

    @property
    def before_nanos(self) -> int | None:
        return sum_of(each.before_nanos for each in self.kinds.values())

    @property
    def after_nanos(self) -> int | None:
        return sum_of(each.after_nanos for each in self.kinds.values())

    @property
    def difference_nanos(self) -> int:
        return (self.after_nanos or 0) - (self.before_nanos or 0)


@dataclass(frozen=True, slots=True)
class Effect:
    """What some prices would change, the largest difference first."""

    basis: Basis
    models: tuple[ModelEffect, ...]

    @property
    def shown(self) -> tuple[ModelEffect, ...]:
        return self.models[:SHOWN_MAX]

    @property
    def hidden(self) -> int:
        return len(self.models) - len(self.shown)

    @property
    def invoiced(self) -> list[ModelEffect]:
        return [each for each in self.models if not each.simulated]

    @property
    def before_nanos(self) -> int:
        return sum(each.before_nanos or 0 for each in self.invoiced)

    @property
    def after_nanos(self) -> int:
        return sum(each.after_nanos or 0 for each in self.invoiced)

    @property
    def difference_nanos(self) -> int:
        return self.after_nanos - self.before_nanos


def sum_of(amounts: Iterable[int | None]) -> int | None:
    """Add up what is priced; None if nothing is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def effect_of(drafts: Sequence[Price], *, now: datetime) -> Effect:
    """
    Return what the drafts would have made of the last cycle that was used.

    Before and after are prices in force when a draft begins, without and with it, on
    the quantities of the records. Nothing is written.
    """
    basis = basis_of(now)
    saved = list(Price.objects.all())
    numbered = [numbered_copy(each, -place) for place, each in enumerate(drafts, 1)]
    by_id = {price.pk: price for price in [*saved, *numbered]}
    books = book_of(saved), book_of([*saved, *numbered])
    effects: dict[tuple[int, str, bool], ModelEffect] = {}
    choices = choices_of(numbered, basis, books)
    for side, name in enumerate(("before_nanos", "after_nanos")):
        chosen = {key: ids[side] for key, ids in choices.items()}
        for row in charges_at(chosen, by_id, basis):
            add_charge(effects, name, row)
    return Effect(basis, named(effects.values()))


def basis_of(now: datetime) -> Basis:
    """Return the previous cycle, or this one if that has no usage."""
    cycle_start = previous_cycle(cycle_of(now))
    if not UsageHour.objects.filter(cycle_start=cycle_start).exists():
        cycle_start = cycle_of(now)
    interval = Span.of_cycle(cycle_start).interval
    first, requests = cycle_start, 0
    days = UsageHour.objects.filter(cycle_start=cycle_start).order_by()
    for day, count in (
        days.values(day=TruncDate("hour", tzinfo=UTC))
        .annotate(count=Sum("requests"))
        .order_by("-day")
        .values_list("day", "count")
    ):
        requests += count
        if requests > REQUESTS_MAX:
            break
        first = day
    if requests <= REQUESTS_MAX:
        return Basis(cycle_start, cycle_start, interval)
    return Basis(cycle_start, first, Interval(start_of_day(first), interval.end))


def numbered_copy(draft: Price, number: int) -> Price:
    """Return a draft under a number that no price has."""
    facts = {each.attname: getattr(draft, each.attname) for each in Price._meta.fields}
    return Price(**(facts | {"id": number}))


# Organization, model and tier; and the numbers of its prices before and after.
Choices = dict[tuple[int, str, str], tuple[int | None, int | None]]


def choices_of(
    drafts: Sequence[Price], basis: Basis, books: tuple[PriceBook, PriceBook]
) -> Choices:
    """Return what was used and would have another price."""
    used = (
        UsageHour.objects.filter(cycle_start=basis.cycle_start)
        .order_by()
        .values_list("organization_id", "model")
        .distinct()
    )
    choices: Choices = {}
    for organization_id, model in used:
        for draft in drafts:
            if not concerns(draft, organization_id, model):
                continue
            for tier in TIERS:
                found = [
                    book.of(organization_id).find(model, draft.effective_from, tier)
                    for book in books
                ]
                before, after = (rates.price_id if rates else None for rates in found)
                if before != after:
                    choices[organization_id, model, tier] = before, after
    return choices


def concerns(draft: Price, organization_id: int, model: str) -> bool:
    if draft.organization_id not in (None, organization_id):
        return False
    if draft.model.endswith("*"):
        return model.startswith(draft.model[:-1])
    return model == draft.model


def charges_at(
    chosen: dict[tuple[int, str, str], int | None],
    by_id: dict[int, Price],
    basis: Basis,
) -> list[tuple[Any, ...]]:
    """Return what each kind costs at the chosen prices; see `CHARGES`."""
    # Without a price it is charged by one that has no rates.
    keys, ids = list(chosen), [found or 0 for found in chosen.values()]
    prices = [{"id": 0}] + [
        {"id": each} | {name: getattr(by_id[each], name) for name in TERMS}
        for each in set(ids) - {0}
    ]
    columns = list(zip(*keys, strict=True)) or [(), (), ()]
    parameters: dict[str, Any] = {
        "organizations": list(columns[0]),
        "models": list(columns[1]),
        "tiers": list(columns[2]),
        "places": ids,
        "named": [tier for tier in TIERS if tier],
        "cycle_start": basis.cycle_start,
        "start": basis.interval.start,
        "end": basis.interval.end,
        "prices": Jsonb(prices),
    }
    with connection.cursor() as cursor:
        cursor.execute(CHARGES, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def add_charge(
    effects: dict[tuple[int, str, bool], ModelEffect], side: str, row: tuple[Any, ...]
) -> None:
    """Note what a kind costs before or after."""
    organization_id, model, simulated, kind, quantity, nanos, unpriced = row
    key = organization_id, model, simulated
    if key not in effects:
        unnamed = Organization(pk=organization_id)
        effects[key] = ModelEffect(unnamed, model, simulated)
    effect = effects[key].kinds.setdefault(kind, KindEffect(LABELS[kind]))
    effect.quantity = max(effect.quantity, quantity)
    setattr(effect, side, None if unpriced == quantity else nanos)


def named(effects: Iterable[ModelEffect]) -> tuple[ModelEffect, ...]:
    """Return effects with their organizations, the largest difference first."""
    found = list(effects)
    organizations = Organization.objects.in_bulk(
        {each.organization.pk for each in found}
    )
    for each in found:
        each.organization = organizations[each.organization.pk]
    return tuple(sorted(found, key=lambda each: -abs(each.difference_nanos)))
