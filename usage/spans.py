"""Which days a page looks at: a billing cycle, or a range of whole days in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from core.periods import Interval, next_cycle, start_of_day

# How far from its days a cycle looks for what it pays for. It bounds the search.
EDGE = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Span:
    """
    Whole days from `first` to `last`, both included.

    A span with `cycle_start` means what that cycle pays for. Should something that
    it pays for lie outside its days, then its nearest day shows it: what a cycle
    pays for is always the sum of its days.
    """

    first: date
    last: date
    cycle_start: date | None = None

    @classmethod
    def of_cycle(cls, cycle_start: date) -> Span:
        """Return the span of a billing cycle."""
        last = next_cycle(cycle_start) - timedelta(days=1)
        return cls(cycle_start, last, cycle_start)

    @property
    def interval(self) -> Interval:
        """The instants to look at."""
        edge = EDGE if self.cycle_start is not None else timedelta(0)
        return Interval(
            start_of_day(self.first) - edge,
            start_of_day(self.last) + timedelta(days=1) + edge,
        )

    @property
    def days(self) -> list[date]:
        length = (self.last - self.first).days + 1
        return [self.first + timedelta(days=n) for n in range(length)]

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
        start = start_of_day(day)
        return Interval(
            self.interval.start if day == self.first else start,
            self.interval.end if day == self.last else start + timedelta(days=1),
        )
