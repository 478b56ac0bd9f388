"""Usage of models without a price: its volume, since nobody knows what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet, Subquery, Sum

from orgs.models import Membership, Organization
from usage.counts import COUNTS
from usage.dimensions import Dimension, Filter, Group
from usage.hours import group_value, passing, period_number
from usage.models import Endpoint, Outcome, RollupWatermark, UsageRecord
from usage.names import named_groups
from usage.spans import Period, Span

NOTHING_TO_PRICE = 0
NEWEST_MAX = 1000
# Only what was used needs a price: a request that failed used nothing.
USED = Q(input_tokens__gt=0) | Q(output_tokens__gt=0)
USED |= Q(characters__gt=0) | Q(seconds__gt=0)


@dataclass(frozen=True, slots=True)
class UnpricedModel:
    """What was used of a model without a price, by the columns of `usage.counts`."""

    organization_id: int
    model: str
    requests: int
    last_used_at: datetime
    counts: dict[str, int]

    @property
    def tokens(self) -> int:
        return self.counts["input_tokens"] + self.counts["output_tokens"]


def unpriced_records() -> QuerySet[UsageRecord]:
    """
    Return the records of what has no price and is not free; an index has only these.

    Moderations are free, and so is what the cache answers.
    """
    return (
        UsageRecord.objects.filter(price_id=NOTHING_TO_PRICE)
        .exclude(outcome=Outcome.CACHED)
        .exclude(endpoint=Endpoint.MODERATIONS)
    )


def unpriced_models_of(
    organization: Organization, span: Span, filters: Iterable[Filter] = ()
) -> list[UnpricedModel]:
    """Return what an organization used in a span without a price, as rolled up."""
    return by_model(records_of(organization, span, filters))


def newest_unpriced(
    organization: Organization,
    span: Span,
    filters: Iterable[Filter] = (),
    *,
    at_most: int = NEWEST_MAX,
) -> Counter[str]:
    """
    Return how many of the newest requests without a price each model had.

    It looks at so many, so that a page need not count a flood of them.
    """
    records = records_of(organization, span, filters).filter(USED)
    newest = records.order_by("-occurred_at").values_list("model", flat=True)
    return Counter(newest[:at_most])


def records_of(
    organization: Organization, span: Span, filters: Iterable[Filter] = ()
) -> QuerySet[UsageRecord]:
    interval = span.interval
    records = unpriced_records().filter(
        passing(filters),
        organization=organization,
        occurred_at__gte=interval.start,
        occurred_at__lt=interval.end,
        sequence__lte=Subquery(RollupWatermark.objects.values("sequence")[:1]),
    )
    if span.cycle_start is None:
        return records
    return records.filter(cycle_start=span.cycle_start)


def unpriced_cells(
    records: QuerySet[UsageRecord],
    periods: Sequence[Period],
    dimension: Dimension,
    viewer: Membership,
    groups: Collection[Group],
) -> frozenset[tuple[Period, Group]]:
    """Return in which periods which of a page's groups used what has no price."""
    found = set(
        records.filter(USED)
        .annotate(
            period=period_number("occurred_at", periods),
            value=group_value(dimension, viewer),
        )
        .values_list("period", "value")
        .distinct()
    )
    told_apart = [value for _, value in found if value is not None]
    names = named_groups(dimension, told_apart)
    rest = next((group for group in groups if group.is_rest), None)
    cells = set()
    for place, value in found:
        group = names.get(value) if value is not None else rest
        group = group if group in groups else rest
        if group is not None:
            cells.add((periods[place], group))
    return frozenset(cells)


def unpriced_models_since(since: datetime) -> list[UnpricedModel]:
    """Return what each organization used without a price from an instant on."""
    return by_model(unpriced_records().filter(occurred_at__gte=since))


def by_model(records: QuerySet[UsageRecord]) -> list[UnpricedModel]:
    """Return the sums of records by organization and model, the most used first."""
    sums = {f"sum_{name}": Sum(name) for name in COUNTS}
    rows: Any = (
        records.filter(USED)
        .order_by()
        .values("organization_id", "model")
        .annotate(requests=Count("pk"), last=Max("occurred_at"), **sums)
        .order_by(F("requests").desc(), "model")
    )
    return [
        UnpricedModel(
            organization_id=row["organization_id"],
            model=row["model"],
            requests=row["requests"],
            last_used_at=row["last"],
            counts={name: row[f"sum_{name}"] for name in COUNTS},
        )
        for row in rows
    ]
