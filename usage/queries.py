"""Reads of usage. Page, CSV, API and mail ask here, so that they say the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import Case, F, QuerySet, Sum, When

from core.periods import previous_cycle
from orgs.models import Membership, Organization
from usage.amounts import AMOUNT_NAMES, Amounts, Series, Usage
from usage.dimensions import Dimension, Filter, Granularity, Group, Metric
from usage.hours import group_value, period_number, usage_hours_in
from usage.models import RollupWatermark, UsageHour
from usage.names import named_groups, rest_group
from usage.spans import Period, Span

# So many groups are told apart; the rest is one group.
GROUPS_MAX = 8
# The oldest cycle that a picker offers: ten years back.
CYCLES_MAX = 120
SIZES = {
    Metric.COST: Sum("cost_nanos"),
    Metric.TOKENS: Sum(F("input_tokens") + F("output_tokens")),
    Metric.REQUESTS: Sum("requests"),
    Metric.ERRORS: Sum("failed_requests"),
}
SUMS = {f"sum_{name}": Sum(name) for name in AMOUNT_NAMES}


def usage_of(
    organization: Organization,
    span: Span,
    *,
    dimension: Dimension | None = None,
    metric: Metric = Metric.COST,
    granularity: Granularity = Granularity.DAY,
    filters: Collection[Filter] = (),
    viewer: Membership | None = None,
) -> Usage:
    """
    Return the usage in a span by period, and by the largest groups of a dimension.

    All figures come from one statement, so that they add up whatever is booked
    meanwhile. To a `viewer` who is a reader, the keys and members of others are
    one group; the totals stay the same.
    """
    periods = span.periods(granularity)
    rows = usage_hours_in(span, organization, filters).annotate(
        period=period_number("hour", periods), value=group_value(dimension, viewer)
    )
    sums = (
        rows.annotate(
            group=Case(When(value__in=largest_values(rows, metric), then="value"))
        )
        .order_by()
        .values("period", "group")
        .annotate(**SUMS)
    )
    return arranged(sums, periods, metric, dimension, viewer)


def largest_values(rows: QuerySet[Any], metric: Metric) -> QuerySet[Any]:
    """Return the values of the groups that are told apart, for rows with a `value`."""
    largest = (
        rows.filter(value__isnull=False)
        .order_by()
        .values("value")
        .annotate(size=SIZES[metric])
        .order_by("-size", "value")[:GROUPS_MAX]
    )
    values: QuerySet[Any] = largest.values("value")
    return values


def arranged(
    sums: Iterable[Any],
    periods: tuple[Period, ...],
    metric: Metric,
    dimension: Dimension | None,
    viewer: Membership | None,
) -> Usage:
    """Put sums by period and group into series without gaps, largest first."""
    cells: dict[str | None, dict[int, Amounts]] = {}
    for row in sums:
        amounts = Amounts(*(row[f"sum_{name}"] for name in AMOUNT_NAMES))
        cells.setdefault(row["group"], {})[row["period"]] = amounts
    groups = groups_of(cells.keys(), dimension, viewer)
    nothing, places = Amounts(), range(len(periods))
    series = [
        Series(groups[value], tuple(by_place.get(n, nothing) for n in places))
        for value, by_place in cells.items()
    ]
    series.sort(key=lambda one: (one.group.is_rest, -one.total.of(metric)))
    return Usage(periods, tuple(series))


def groups_of(
    values: Collection[str | None],
    dimension: Dimension | None,
    viewer: Membership | None,
) -> dict[str | None, Group]:
    """Return the group of each value; None is the rest."""
    rest = rest_group(dimension, viewer, is_full=len(values) > GROUPS_MAX)
    groups: dict[str | None, Group] = {None: rest}
    if dimension is not None:
        told_apart = [value for value in values if value is not None]
        groups.update(named_groups(dimension, told_apart))
    return groups


def hours_used(
    organization: Organization, span: Span, metric: Metric, filters: Collection[Filter]
) -> list[tuple[datetime, int]]:
    """Return the hours of a span in which there was usage, and how much."""
    rows = usage_hours_in(span, organization, filters).order_by()
    sums = rows.values("hour").annotate(size=SIZES[metric])
    return list(sums.values_list("hour", "size"))


def cycles_with_usage(organization: Organization, *, current: date) -> Sequence[date]:
    """Return the cycles from the current one back to the first used, newest first."""
    hours = UsageHour.objects.filter(organization=organization).order_by("hour")
    first = hours.values_list("cycle_start", flat=True).first()
    cycles = [current]
    while first is not None and cycles[-1] > first and len(cycles) < CYCLES_MAX:
        cycles.append(previous_cycle(cycles[-1]))
    return cycles


def requests_by_key(organization: Organization, *, since: datetime) -> dict[int, int]:
    """Return how many requests each key made from an instant's hour on."""
    hours = UsageHour.objects.filter(
        organization=organization,
        hour__gte=since.replace(minute=0, second=0, microsecond=0),
        api_key__isnull=False,
    )
    sums = hours.order_by().values("api_key_id").annotate(sum=Sum("requests"))
    return dict(sums.values_list("api_key_id", "sum"))


def watermark() -> RollupWatermark:
    """Return how far the rollups go."""
    return RollupWatermark.objects.get(pk=1)
