"""The time that the demo covers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.periods import start_of_day

DAYS_PER_MONTH = 30


@dataclass(frozen=True, slots=True)
class DemoTime:
    """Some months of thirty days, up to now."""

    start: datetime
    end: datetime

    def at(self, part: float) -> datetime:
        """Return the instant at a part of the time: 0.5 is half-way."""
        return self.start + (self.end - self.start) * part


def demo_time(*, months: int, now: datetime) -> DemoTime:
    first_day = (now - timedelta(days=DAYS_PER_MONTH * months)).date()
    return DemoTime(start_of_day(first_day), now)
