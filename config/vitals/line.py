"""A line of the report. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class Line:
    """
    What was looked at, what was found, and what to do if that is not good.

    `facts` are numbers for programs, `details` pairs of words for people.
    """

    name: str
    title: str
    says: str
    advice: str = ""
    facts: Mapping[str, int | float | str | None] = field(default_factory=dict)
    details: Sequence[tuple[str, str]] = ()

    @property
    def is_ok(self) -> bool:
        return not self.advice


def seconds_since(instant: datetime | None, now: datetime) -> float:
    """Return how long ago an instant was, in seconds; 0 for none."""
    return max(0.0, (now - instant).total_seconds()) if instant else 0.0


def span(seconds: float) -> str:
    """Write a time in one unit, rounded down: `40 s`, `3 min`, `5 h`, `2 days`."""
    whole = int(seconds)
    if whole < MINUTE_S:
        return f"{whole} s"
    if whole < HOUR_S:
        return f"{whole // MINUTE_S} min"
    if whole < 2 * DAY_S:
        return f"{whole // HOUR_S} h"
    return f"{whole // DAY_S} days"


def ago(instant: datetime | None, now: datetime) -> str:
    return f"{span(seconds_since(instant, now))} ago" if instant else "never"


def counted(count: int, noun: str) -> str:
    """Write a number with its noun: `1 mail`, `1,200 mails`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
