"""Reads of usage. Page, CSV, API and mail ask here, so that they say the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import Case, F, QuerySet, Sum, TextField, Value, When
from django.db.models.functions import Cast, Coalesce, TruncDate

from core.periods import previous_cycle
from orgs.models import Membership, Organization
from usage.dimensions import Dimension, Group, Metric
from usage.models import RollupWatermark, UsageHour
from usage.names import named_groups, rest_group
from usage.spans import Span

# So many groups are told apart; the rest is one group.
GROUPS_MAX = 8
# The oldest cycle that a picker offers: ten years back.
CYCLES_MAX = 120
COLUMNS = {
    Dimension.MODEL: "model",
    Dimension.KEY: "api_key_id",
    Dimension.MEMBER: "user_id",
}
SIZES = {
    Metric.COST: Sum("cost_nanos"),
    Metric.TOKENS: Sum(F("input_tokens") + F("output_tokens")),
    Metric.REQUESTS: Sum("requests"),
}


@dataclass(frozen=True, slots=True)
class Amounts:
    """Sums of usage: cost in nano-dollars, tokens as in `usage.models`."""

    requests: int = 0
    failed_requests: int = 0
    estimated_requests: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    audio_input_tokens: int = 0
    cached_audio_input_tokens: int = 0
    image_input_tokens: int = 0
    cached_image_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    audio_output_tokens: int = 0
    image_output_tokens: int = 0
    characters: int = 0
    seconds: int = 0
    cost_nanos: int = 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def of(self, metric: Metric) -> int:
        """Return the one amount that a metric means."""
        match metric:
            case Metric.COST:
                return self.cost_nanos
            case Metric.TOKENS:
                return self.tokens
            case Metric.REQUESTS:
                return self.requests


AMOUNT_NAMES = tuple(field.name for field in fields(Amounts))
SUMS = {f"sum_{name}": Sum(name) for name in AMOUNT_NAMES}


def total_of(amounts: Iterable[Amounts]) -> Amounts:
    """Add amounts up."""
    columns = zip(
        *([getattr(a, n) for n in AMOUNT_NAMES] for a in amounts), strict=True
    )
    return Amounts(*(sum(column) for column in columns))


@dataclass(frozen=True, slots=True)
class Series:
    """A group's amounts, one for each day of the span; days without usage too."""

    group: Group
    by_day: tuple[Amounts, ...]

    @property
    def total(self) -> Amounts:
        return total_of(self.by_day)


@dataclass(frozen=True, slots=True)
class Usage:
    """What an organization used in a span, by day and group, largest group first."""

    days: tuple[date, ...]
    series: tuple[Series, ...]

    @property
    def by_day(self) -> tuple[Amounts, ...]:
        """All groups together, one for each day."""
        return tuple(
            total_of(series.by_day[n] for series in self.series)
            for n in range(len(self.days))
        )

    @property
    def total(self) -> Amounts:
        return total_of(self.by_day)


def usage_of(
    organization: Organization,
    span: Span,
    *,
    dimension: Dimension | None = None,
    metric: Metric = Metric.COST,
    viewer: Membership | None = None,
) -> Usage:
    """
    Return the usage in a span by day, and by the largest groups of a dimension.

    All figures come from one statement, so that they add up whatever is booked
    meanwhile. To a `viewer` who is a reader, the keys and members of others are
    one group; the totals stay the same.
    """
    rows = hours_in(span, organization).annotate(
        day=TruncDate("hour", tzinfo=UTC), value=group_value(dimension, viewer)
    )
    largest = (
        rows.filter(value__isnull=False)
        .order_by()
        .values("value")
        .annotate(size=SIZES[metric])
        .order_by("-size", "value")[:GROUPS_MAX]
    )
    sums = (
        rows.annotate(group=Case(When(value__in=largest.values("value"), then="value")))
        .order_by()
        .values("day", "group")
        .annotate(**SUMS)
    )
    return arranged(sums, span, metric, dimension, viewer)


def group_value(dimension: Dimension | None, viewer: Membership | None) -> Any:
    """Return the expression of a row's group: null where it is not told apart."""
    if dimension is None:
        return Value(None, output_field=TextField())
    value = Coalesce(
        Cast(COLUMNS[dimension], TextField()), Value(""), output_field=TextField()
    )
    if dimension is Dimension.MODEL or viewer is None or viewer.is_owner:
        return value
    return Case(When(user_id=viewer.user_id, then=value), output_field=TextField())


def hours_in(span: Span, organization: Organization) -> QuerySet[UsageHour]:
    """Return the rollups that belong to a span."""
    interval = span.interval
    rows = UsageHour.objects.filter(
        organization=organization, hour__gte=interval.start, hour__lt=interval.end
    )
    if span.cycle_start is None:
        return rows
    return rows.filter(cycle_start=span.cycle_start)


def arranged(
    sums: Iterable[Any],
    span: Span,
    metric: Metric,
    dimension: Dimension | None,
    viewer: Membership | None,
) -> Usage:
    """Put sums by day and group into series without gaps, largest first."""
    cells: dict[str | None, dict[date, list[Amounts]]] = {}
    for row in sums:
        amounts = Amounts(*(row[f"sum_{name}"] for name in AMOUNT_NAMES))
        by_day = cells.setdefault(row["group"], {})
        by_day.setdefault(span.day_within(row["day"]), []).append(amounts)
    groups = groups_of(cells.keys(), dimension, viewer)
    series = [
        Series(groups[value], tuple(total_of(by_day.get(day, ())) for day in span.days))
        for value, by_day in cells.items()
    ]
    series.sort(key=lambda one: (one.group.is_rest, -one.total.of(metric)))
    return Usage(tuple(span.days), tuple(series))


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
