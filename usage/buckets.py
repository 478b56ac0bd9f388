"""Usage in buckets of an hour or a day, grouped by anything: what the Admin API reads.

Sums of rollups, never of records: a month by hour costs the same whatever was asked.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet
from django.db.models.functions import TruncDay, TruncHour

from core.periods import Interval
from orgs.models import Organization
from usage.amounts import AMOUNT_NAMES, Amounts
from usage.models import UsageHour
from usage.queries import SUMS

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TRUNCATED = {HOUR: TruncHour, DAY: TruncDay}


class Part(enum.Enum):
    """What usage is told apart by; the value is its path from a rollup."""

    MEMBER = "user__public_id"
    KEY = "api_key__public_id"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What to count; an empty choice does not narrow."""

    endpoints: Collection[str] = ()
    # By public id, models by name.
    parts: Mapping[Part, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was used from `start` until `end`, by the values of the parts asked for."""

    start: datetime
    end: datetime
    amounts: Mapping[tuple[str | None, ...], Amounts]


def buckets_of(
    organization: Organization,
    interval: Interval,
    *,
    width: timedelta,
    parts: Sequence[Part] = (),
    chosen: Chosen | None = None,
) -> list[Bucket]:
    """
    Return every bucket that the interval touches, the empty ones too, oldest first.

    Buckets begin at whole hours or days in UTC. All figures come from one statement.
    """
    starts = list(starts_of(interval, width))
    if not starts:
        return []
    whole = Interval(starts[0], starts[-1] + width)
    paths = [part.value for part in parts]
    rows = (
        chosen_hours(organization, whole, chosen or Chosen())
        .annotate(start=TRUNCATED[width]("hour", tzinfo=UTC))
        .order_by()
        .values("start", *paths)
        .annotate(**SUMS)
        .order_by("start", *paths)
    )
    amounts: dict[datetime, dict[tuple[str | None, ...], Amounts]] = {}
    for row in rows:
        group = tuple(row[path] for path in paths)
        sums = Amounts(*(row[f"sum_{name}"] for name in AMOUNT_NAMES))
        amounts.setdefault(row["start"], {})[group] = sums
    return [Bucket(start, start + width, amounts.get(start, {})) for start in starts]


def starts_of(interval: Interval, width: timedelta) -> Iterator[datetime]:
    """Yield where the buckets that an interval touches begin."""
    start = floor(interval.start, width)
    while start < interval.end:
        yield start
        start += width


def floor(instant: datetime, width: timedelta) -> datetime:
    """Return the beginning of the bucket, in UTC, that an instant lies in."""
    hour = instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return hour if width == HOUR else hour.replace(hour=0)


def chosen_hours(
    organization: Organization, interval: Interval, chosen: Chosen
) -> QuerySet[UsageHour]:
    hours = UsageHour.objects.filter(
        organization=organization, hour__gte=interval.start, hour__lt=interval.end
    )
    if chosen.endpoints:
        hours = hours.filter(endpoint__in=chosen.endpoints)
    for part, values in chosen.parts.items():
        if values:
            hours = hours.filter(**{f"{part.value}__in": values})
    return hours
