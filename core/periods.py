"""Periods: billing cycles and half-open UTC intervals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Interval:
    """A half-open interval of instants in UTC: `start <= t < end`."""

    start: datetime
    end: datetime


def cycle_of(instant: datetime) -> date:
    """Return the first day of the billing cycle (a calendar month in UTC)."""
    return instant.astimezone(UTC).date().replace(day=1)


def next_cycle(cycle_start: date) -> date:
    """Return the first day of the cycle after the given one."""
    return (cycle_start + timedelta(days=32)).replace(day=1)


def previous_cycle(cycle_start: date) -> date:
    """Return the first day of the cycle before the given one."""
    return (cycle_start - timedelta(days=1)).replace(day=1)


def cycle_interval(cycle_start: date) -> Interval:
    """Return the instants that belong to a cycle."""
    return Interval(start_of_day(cycle_start), start_of_day(next_cycle(cycle_start)))


def start_of_day(day: date) -> datetime:
    """Return midnight UTC at which a day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def days_of(interval: Interval) -> list[date]:
    """Return each UTC day that the interval touches, in order."""
    first = interval.start.date()
    last = (interval.end - timedelta(microseconds=1)).date()
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
