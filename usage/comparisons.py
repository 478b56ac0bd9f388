"""Usage of several spans side by side, as a whole or by group."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Expression, F, QuerySet, Sum

from orgs.models import Membership, Organization
from usage.amounts import AMOUNT_NAMES, Amounts
from usage.dimensions import Dimension, Filter, Group
from usage.hours import group_value, number_among, passing, within
from usage.models import UsageHour
from usage.names import named_groups
from usage.spans import Span

# What is compared; the other amounts of `Amounts` stay zero.
COMPARED = ("requests", "input_tokens", "output_tokens", "cost_nanos")


@dataclass(frozen=True, slots=True)
class ModelSums:
    """What a model used in each of the spans, of the hours in one `era`."""

    model: str
    era: int
    by_span: tuple[Amounts, ...]


@dataclass(frozen=True, slots=True)
class GroupSums:
    """What a group used in each of the spans, in their order."""

    group: Group
    by_span: tuple[Amounts, ...]


def largest_groups(
    organization: Organization,
    spans: Sequence[Span],
    *,
    dimension: Dimension,
    viewer: Membership,
    count: int | None,
    size: Expression | None = None,
    filters: Collection[Filter] = (),
) -> list[GroupSums]:
    """
    Return the largest groups with what they used in each span, by one statement.

    By default the largest are those that cost most in the first span; else `size`
    says it, an expression of `cost_sum`. A count of None means all of them. A reader
    sees keys and members of their own.
    """
    rows = (
        hours_in_any(organization, spans, filters)
        .annotate(value=group_value(dimension, viewer))
        .filter(value__isnull=False)
        .order_by()
        .values("value")
        .annotate(**sums_by_span(spans))
        .order_by((size or F(cost_sum(0))).desc(), "value")[:count]
    )
    found: list[Any] = list(rows)
    groups = named_groups(dimension, [row["value"] for row in found])
    return [
        GroupSums(groups[row["value"]], amounts_by_span(row, spans)) for row in found
    ]


def sums_by_model(
    organization: Organization,
    spans: Sequence[Span],
    borders: Sequence[datetime],
    filters: Collection[Filter] = (),
) -> Iterator[ModelSums]:
    """
    Yield every amount of each model by span and era, by one statement.

    An hour's era is how many of the `borders`, which are in order, are not after it.
    """
    rows: Any = (
        hours_in_any(organization, spans, filters)
        .annotate(era=number_among("hour", borders))
        .order_by()
        .values("model", "era")
        .annotate(**sums_by_span(spans, AMOUNT_NAMES))
    )
    for row in rows:
        by_span = amounts_by_span(row, spans, AMOUNT_NAMES)
        yield ModelSums(row["model"], row["era"], by_span)


def cost_sum(place: int) -> str:
    """Return the name of the cost in a span by its place, for `size`."""
    return f"cost_nanos_{place}"


def hours_in_any(
    organization: Organization, spans: Sequence[Span], filters: Collection[Filter]
) -> QuerySet[UsageHour]:
    rows = UsageHour.objects.filter(passing(filters), organization=organization)
    return rows.filter(reduce(or_, (within(span) for span in spans)))


def sums_by_span(
    spans: Sequence[Span], names: Sequence[str] = COMPARED
) -> dict[str, Sum]:
    return {
        f"{name}_{place}": Sum(name, filter=within(span), default=0)
        for place, span in enumerate(spans)
        for name in names
    }


def amounts_by_span(
    row: dict[str, Any], spans: Sequence[Span], names: Sequence[str] = COMPARED
) -> tuple[Amounts, ...]:
    return tuple(
        Amounts(**{name: row[f"{name}_{place}"] for name in names})
        for place in range(len(spans))
    )
