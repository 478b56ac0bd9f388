"""Where the spend of a cycle is going. Pure and linear: no season, no model."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.periods import Interval

# Sooner, one busy morning would look like a month.
TOO_EARLY = timedelta(days=3)


def forecast_nanos(spent_nanos: int, cycle: Interval, *, now: datetime) -> int | None:
    """
    Return the spend at the cycle's end at the pace so far, in nano-dollars.

    None means that it is too early to say.
    """
    elapsed = now - cycle.start
    if elapsed < TOO_EARLY:
        return None
    if now >= cycle.end:
        return spent_nanos
    return (
        spent_nanos
        * in_microseconds(cycle.end - cycle.start)
        // in_microseconds(elapsed)
    )


def reached_at(
    amount_nanos: int, spent_nanos: int, cycle: Interval, *, now: datetime
) -> datetime | None:
    """Return when the spend reaches an amount at the pace so far, if in this cycle."""
    elapsed = now - cycle.start
    if elapsed < TOO_EARLY or not 0 < spent_nanos < amount_nanos:
        return None
    needed = in_microseconds(elapsed) * amount_nanos // spent_nanos
    if needed >= in_microseconds(cycle.end - cycle.start):
        return None
    return cycle.start + timedelta(microseconds=needed)


def in_microseconds(duration: timedelta) -> int:
    """Return a duration as a whole number, which multiplies without overflow."""
    return duration // timedelta(microseconds=1)
