"""
Which days a page looks at: a billing cycle, or a range of whole days.

Days are those of a time zone, a billing cycle is a month in UTC. Sums are kept by whole
hours of UTC, so a day begins with the first such hour at or after its midnight: in
zones that are whole hours from UTC that is midnight, in others (India, Nepal) 0:30 or
0:45. Each hour is in one day, whatever the clocks are put forward or back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from core.periods import Interval, cycle_interval
from core.zones import zone_called
from usage.dimensions import Granularity

# How far from its days a cycle looks for what it pays for. It bounds the search.
EDGE = timedelta(days=31)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONDAY = 0


@dataclass(frozen=True, slots=True)
class Period:
    """A bar of a chart: the instants it shows, and its beginning by the local clock."""

    interval: Interval
    begins: datetime

    @property
    def day(self) -> date:
        return self.begins.date()

    @property
    def local(self) -> datetime:
        """Its beginning for templates, which would show UTC of what has a zone."""
        return self.begins.replace(tzinfo=None)

    def is_over(self, *, at: datetime) -> bool:
        return self.interval.end <= at


@dataclass(frozen=True, slots=True)
class Span:
    """
    Whole days of a zone from `first` to `last`, both included.

    A span with `cycle_start` means what that cycle pays for; in other zones than UTC
    its first and last day are shown as far as they are the cycle's. Should something
    that it pays for lie outside its days, then its nearest day shows it: what a cycle
    pays for is always the sum of its days.
    """

    first: date
    last: date
    cycle_start: date | None = None
    zone_name: str = "UTC"

    @classmethod
    def of_cycle(cls, cycle_start: date, zone_name: str = "UTC") -> Span:
        """Return the span of a billing cycle, in the days of a zone."""
        whole, zone = cycle_interval(cycle_start), zone_called(zone_name)
        first = whole.start.astimezone(zone).date()
        last = (whole.end - HOUR).astimezone(zone).date()
        return cls(first, last, cycle_start, zone_name)

    @property
    def shown(self) -> Interval:
        """The instants of its days."""
        if self.cycle_start is not None:
            return cycle_interval(self.cycle_start)
        return Interval(self.start_of(self.first), self.start_of(self.last + DAY))

    @property
    def interval(self) -> Interval:
        """The instants to look at."""
        edge = EDGE if self.cycle_start is not None else timedelta(0)
        return Interval(self.shown.start - edge, self.shown.end + edge)

    @property
    def days(self) -> list[date]:
        length = (self.last - self.first).days + 1
        return [self.first + timedelta(days=n) for n in range(length)]

    def start_of(self, day: date) -> datetime:
        """Return the first whole hour of UTC of a day."""
        zone = zone_called(self.zone_name)
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
        # A zone's first offset may have seconds; none that is kept by clocks has.
        past = timedelta(minutes=midnight.minute, seconds=midnight.second)
        return midnight - past + (HOUR if past else timedelta(0))

    def periods(self, granularity: Granularity) -> tuple[Period, ...]:
        """
        Return the pieces of the span without gaps, in order.

        Weeks begin on Monday; the first and last piece may be cut short by the span.
        """
        starts = list(self.starts(granularity))
        ends = [*starts[1:], self.shown.end]
        zone = zone_called(self.zone_name)
        return tuple(
            Period(Interval(start, end), start.astimezone(zone))
            for start, end in zip(starts, ends, strict=True)
            # A zone that crosses the date line leaves out a day.
            if start < end
        )

    def starts(self, granularity: Granularity) -> Iterator[datetime]:
        start, end = self.shown.start, self.shown.end
        if granularity is Granularity.HOUR:
            hours = (end - start) // HOUR
            yield from (start + n * HOUR for n in range(hours))
            return
        for day in self.days:
            if day == self.first or begins_one(day, granularity):
                yield max(self.start_of(day), start)

    def day_within(self, day: date) -> date:
        """Return the day that shows what happened on `day`: the nearest within."""
        return min(max(day, self.first), self.last)

    def instants_of(self, day: date) -> Interval | None:
        """
        Return the instants that `day` shows: the inverse of `day_within`.

        None means a day outside the span.
        """
        if not self.first <= day <= self.last:
            return None
        return Interval(
            self.interval.start if day == self.first else self.start_of(day),
            self.interval.end if day == self.last else self.start_of(day + DAY),
        )

    def before(self) -> Span:
        """
        Return as many days before it, on the same days of the week.

        Of a cycle, the days before and not the cycle before: months differ in length
        and in weekends.
        """
        length = (self.last - self.first).days + 1
        back = timedelta(weeks=-(-length // 7))
        return Span(self.first - back, self.last - back, zone_name=self.zone_name)


def begins_one(day: date, granularity: Granularity) -> bool:
    """Say whether a week or a month begins on a day; a day always does."""
    match granularity:
        case Granularity.WEEK:
            return day.weekday() == MONDAY
        case Granularity.MONTH:
            return day.day == 1
        case _:
            return True
