"""
Whether an hour or a day costs far more than it usually does. Pure.

Compared is with the same hour of the week, or the same weekday, of up to eight weeks
before, by the organization's clock: so a pattern that comes back each week is never
unusual. An hour must be unusual beside the hours next to it as well: work that begins
an hour early, or clocks that are put back, are none. The median says what is usual and
the median deviation how much that varies, so that one spike changes neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median_low

from django.db import models

from core.zones import zone_called

WEEKS_BACK, WEEKS_NEEDED = 8, 3
ONE_HOUR, ONE_WEEK = timedelta(hours=1), timedelta(weeks=1)
# Of a normal distribution the standard deviation is 1.48 times the median one.
DEVIATION_PERCENT = 148
# Where nothing is usual, it takes twice the most that there ever was.
ABOVE_ALL = 2

# What each hour of UTC cost in nano-dollars; an hour without usage may be missing.
Hours = Mapping[datetime, int]


class Sensitivity(models.TextChoices):
    OFF = "off", "Never"
    LOW = "low", "Five times the usual"
    NORMAL = "normal", "Three times the usual"
    HIGH = "high", "Twice the usual"


@dataclass(frozen=True, slots=True)
class Rule:
    """How many times what is usual it takes, and how many deviations above it."""

    times: int
    deviations: int


RULES = {
    Sensitivity.LOW: Rule(5, 10),
    Sensitivity.NORMAL: Rule(3, 6),
    Sensitivity.HIGH: Rule(2, 4),
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """An hour, or a day by some clock up to now, as the hours of UTC that it is of."""

    hours: tuple[datetime, ...]
    is_day: bool

    @property
    def begins(self) -> datetime:
        return self.hours[0]


@dataclass(frozen=True, slots=True)
class Unusual:
    """A stretch that cost far more than usual, and what is usual."""

    stretch: Stretch
    nanos: int
    usual_nanos: int


def find_unusual(
    costs: Hours,
    *,
    zone_name: str,
    sensitivity: Sensitivity,
    floor_nanos: int,
    now: datetime,
) -> Unusual | None:
    """
    Return what is unusual just now: the hour under way or before it, or else the day.

    None as well where it is too early to say. What is not yet booked of an hour or day
    can only make it cost more. `floor_nanos` is by how much more at least.
    """
    first = min((hour for hour, nanos in costs.items() if nanos > 0), default=now)
    for stretch in stretches(zone_name, now):
        nanos = cost_of(stretch, costs)
        before = [
            [cost_of(then, costs) for then in same_before(each, zone_name, since=first)]
            for each in alike(stretch)
        ]
        if min(len(samples) for samples in before) < WEEKS_NEEDED:
            continue
        usual, highest = median_low(before[0]), most_before(stretch, costs)
        bars = [bar(samples, highest, RULES[sensitivity]) for samples in before]
        if nanos - usual >= floor_nanos and nanos > max(bars):
            return Unusual(stretch, nanos, usual)
    return None


def stretches(zone_name: str, now: datetime) -> Iterator[Stretch]:
    """Yield what is looked at: the hour under way, the one before, and the day."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    yield Stretch((hour,), is_day=False)
    yield Stretch((hour - ONE_HOUR,), is_day=False)
    yield day_of(now.astimezone(zone_called(zone_name)).date(), zone_name)


def day_of(day: date, zone_name: str) -> Stretch:
    """Return the hours of UTC that begin on a day by a clock."""
    zone = zone_called(zone_name)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone)
    around = noon.astimezone(UTC).replace(minute=0)
    hours = (around + n * ONE_HOUR for n in range(-14, 15))
    return Stretch(
        tuple(each for each in hours if each.astimezone(zone).date() == day),
        is_day=True,
    )


def alike(stretch: Stretch) -> list[Stretch]:
    """Return a stretch and, of an hour, those next to it."""
    if stretch.is_day:
        return [stretch]
    shifts = (timedelta(0), -ONE_HOUR, ONE_HOUR)
    return [Stretch((stretch.begins + each,), is_day=False) for each in shifts]


def same_before(
    stretch: Stretch, zone_name: str, *, since: datetime
) -> Iterator[Stretch]:
    """Yield the same hour or day of the weeks before, by the same clock."""
    zone = zone_called(zone_name)
    local = stretch.begins.astimezone(zone).replace(tzinfo=None)
    for weeks in range(1, WEEKS_BACK + 1):
        then = local - weeks * ONE_WEEK
        found = (
            day_of(then.date(), zone_name)
            if stretch.is_day
            else Stretch((then.replace(tzinfo=zone).astimezone(UTC),), is_day=False)
        )
        if found.begins >= since:
            yield found


def cost_of(stretch: Stretch, costs: Hours) -> int:
    return sum(costs.get(hour, 0) for hour in stretch.hours)


def most_before(stretch: Stretch, costs: Hours) -> int:
    """Return what the costliest hour, or day of 24 hours, before a stretch came to."""
    earlier = {hour: nanos for hour, nanos in costs.items() if hour < stretch.begins}
    if not stretch.is_day:
        return max(earlier.values(), default=0)
    days: dict[int, int] = {}
    for hour, nanos in earlier.items():
        place = (stretch.begins - hour - ONE_HOUR) // timedelta(days=1)
        days[place] = days.get(place, 0) + nanos
    return max(days.values(), default=0)


def bar(samples: Sequence[int], highest: int, rule: Rule) -> int:
    """Return what an amount must exceed to be unusual."""
    usual = median_low(samples)
    if usual <= 0:
        return ABOVE_ALL * highest
    deviation = median_low([abs(each - usual) for each in samples])
    varies = usual + rule.deviations * deviation * DEVIATION_PERCENT // 100
    # One week may have been out of the ordinary; two were.
    return max(usual * rule.times, varies, sorted(samples)[-2])
