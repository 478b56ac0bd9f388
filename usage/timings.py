"""How long requests took, and how many failed or were refused, by period and group."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Sum, When

from orgs.models import Membership
from usage.amounts import Amounts
from usage.dimensions import Dimension, Filter, Granularity, Group, Metric
from usage.hours import group_value, period_number, timing_hours_in, usage_hours_in
from usage.models import RefusedMinute
from usage.queries import groups_of, largest_values, usage_of
from usage.spans import Period, Span
from usage.timing_buckets import BUCKETS, NONE, Histogram, together


@dataclass(frozen=True, slots=True)
class Timing:
    """How long some requests took; tokens are those after the first one."""

    latency: Histogram = NONE
    first_token: Histogram = NONE
    generated_tokens: int = 0
    generation_ms: int = 0

    @property
    def tokens_per_second(self) -> float | None:
        if not self.generation_ms:
            return None
        return round(1000 * self.generated_tokens / self.generation_ms, 1)


@dataclass(frozen=True, slots=True)
class Health:
    """A group's requests, failures and timings; refusals where they are known."""

    group: Group
    amounts: Amounts
    timing: Timing
    by_period: tuple[Timing, ...]
    refused: int | None = None

    @property
    def percentiles(self) -> list[int | None]:
        """Latency at 50, 95 and 99 percent, the first token at 50 and 95."""
        latency, first = self.timing.latency, self.timing.first_token
        return [
            *(latency.percentile_ms(percent) for percent in (50, 95, 99)),
            *(first.percentile_ms(percent) for percent in (50, 95)),
        ]

    @property
    def error_percent(self) -> float:
        requests = self.amounts.requests
        return 100 * self.amounts.failed_requests / requests if requests else 0.0

    @property
    def refusal_percent(self) -> float | None:
        if self.refused is None:
            return None
        asked = self.refused + self.amounts.requests
        return 100 * self.refused / asked if asked else 0.0


COLUMNS = {
    **{f"latency_{n}": Sum(f"latency_counts__{n}") for n in range(BUCKETS)},
    **{f"first_{n}": Sum(f"first_token_counts__{n}") for n in range(BUCKETS)},
    "tokens": Sum("generated_tokens"),
    "took_ms": Sum("generation_ms"),
}


def health_of(
    viewer: Membership,
    span: Span,
    *,
    dimension: Dimension = Dimension.MODEL,
    granularity: Granularity = Granularity.DAY,
    filters: Collection[Filter] = (),
) -> tuple[Health, ...]:
    """
    Return the health of the groups with the most requests, and of the rest.

    A reader is shown the keys and members of others as one group.
    """
    usage = usage_of(
        viewer.organization,
        span,
        dimension=dimension,
        metric=Metric.REQUESTS,
        granularity=granularity,
        filters=filters,
        viewer=viewer,
    )
    timings = timings_by_group(viewer, span, dimension, granularity, filters)
    refused = refused_by_model(viewer, span, dimension, filters)
    nothing = tuple(Timing() for _ in usage.periods)
    found = []
    for series in usage.series:
        by_period = timings.get(series.group.value, nothing)
        told = refused is not None and not series.group.is_rest
        count = (refused or {}).get(series.group.name, 0) if told else None
        timing = added(by_period)
        found.append(Health(series.group, series.total, timing, by_period, count))
    return tuple(found)


def timings_by_group(
    viewer: Membership,
    span: Span,
    dimension: Dimension,
    granularity: Granularity,
    filters: Collection[Filter],
) -> dict[str, tuple[Timing, ...]]:
    """Return the timings of each period, by the values of the largest groups."""
    periods = span.periods(granularity)
    value = group_value(dimension, viewer)
    used = usage_hours_in(span, viewer.organization, filters).annotate(value=value)
    largest = largest_values(used, Metric.REQUESTS)
    rows: Any = (
        timing_hours_in(span, viewer.organization, filters)
        .annotate(value=value, period=period_number("hour", periods))
        .annotate(group=Case(When(value__in=largest, then="value")))
        .order_by()
        .values("period", "group")
        .annotate(**COLUMNS)
    )
    cells: dict[str | None, dict[int, Timing]] = {}
    for row in rows:
        cells.setdefault(row["group"], {})[row["period"]] = timing_from(row)
    groups = groups_of(cells.keys(), dimension, viewer)
    return {
        groups[value].value: tuple(
            by_place.get(n, Timing()) for n in range(len(periods))
        )
        for value, by_place in cells.items()
    }


def timing_from(row: dict[str, Any]) -> Timing:
    return Timing(
        Histogram(tuple(row[f"latency_{n}"] for n in range(BUCKETS))),
        Histogram(tuple(row[f"first_{n}"] for n in range(BUCKETS))),
        row["tokens"],
        row["took_ms"],
    )


def added(timings: Iterable[Timing]) -> Timing:
    """Return the timing of all requests together."""
    each = list(timings)
    return Timing(
        together(one.latency for one in each),
        together(one.first_token for one in each),
        sum(one.generated_tokens for one in each),
        sum(one.generation_ms for one in each),
    )


def refused_by_model(
    viewer: Membership, span: Span, dimension: Dimension, filters: Collection[Filter]
) -> dict[str, int] | None:
    """Return how many requests were refused; None where they are not told apart so."""
    if dimension is not Dimension.MODEL or filters:
        return None
    minutes = RefusedMinute.objects.filter(
        organization=viewer.organization,
        minute__gte=span.shown.start,
        minute__lt=span.shown.end,
    )
    sums = minutes.order_by().values("model").annotate(sum=Sum("requests"))
    return dict(sums.values_list("model", "sum"))


def p95_lines(
    health: Iterable[Health], periods: Collection[Period]
) -> list[tuple[str, list[int | None]]]:
    """Return a line for each group: the 95th percentile of each period."""
    return [
        (each.group.name, [one.latency.percentile_ms(95) for one in each.by_period])
        for each in health
        if len(each.by_period) == len(periods)
    ]
