"""Which days a page looks at: a billing cycle, or a range of whole days in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from core.periods import Interval, cycle_interval, next_cycle, start_of_day


@dataclass(frozen=True, slots=True)
class Span:
    """
    Whole days from `first` to `last`, both included.

    A span with `cycle_start` means what that cycle pays for. That differs from its
    days by a hair: a request of the last millisecond of a month may be paid by the
    next cycle, and a correction by the cycle it corrects, whenever it is booked.
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
        return Interval(
            start_of_day(self.first), start_of_day(self.last + timedelta(days=1))
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
        Return the instants that `day` shows, the inverse of `day_within`.

        None means a day outside the span. An edge of a cycle is open: it shows
        what the cycle pays for and happened beyond it.
        """
        if not self.first <= day <= self.last:
            return None
        whole = Span(day, day).interval
        if self.cycle_start is None:
            return whole
        far = timedelta(days=36_500)
        return Interval(
            whole.start - far if day == self.first else whole.start,
            whole.end + far if day == self.last else whole.end,
        )


def cycle_days(cycle_start: date) -> int:
    """Return how many days a billing cycle has."""
    interval = cycle_interval(cycle_start)
    return (interval.end - interval.start).days
