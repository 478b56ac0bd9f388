"""
Where the spend of a billing cycle is going, and how far to trust that. Pure.

The pace of the last two weeks goes on, each weekday at its usual share. The same is
computed for the same day of earlier cycles: how far that was off is said, and is the
least width of the band.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from math import isqrt
from statistics import median_low

from core.periods import Interval, cycle_interval, previous_cycle, start_of_day

# Sooner, one busy morning would look like a month.
TOO_EARLY = timedelta(days=3)
PACE_DAYS = 14
# So far back weekdays are told apart, if there are so many days at least.
WEEKDAYS_BACK = timedelta(days=56)
WEEKDAYS_LEAST = 14
CYCLES_CHECKED = 3
# How far back the costs of a forecast and of its checks reach.
CYCLES_NEEDED = CYCLES_CHECKED + 2
# The weight of an average day, so that weights are whole numbers.
AVERAGE_DAY = 1_000_000
ONE_DAY = timedelta(days=1)

# The cost of each UTC day in nano-dollars; a day without usage may be missing.
Costs = Mapping[date, int]


@dataclass(frozen=True, slots=True)
class ForecastDay:
    """The spend since the start of the cycle at a day's end; `low` to `high`."""

    day: date
    nanos: int
    low_nanos: int
    high_nanos: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """
    The course of a cycle's spend from now to its end, in nano-dollars.

    `off_by_percent` is how far forecasts of this day were off on average in the
    `cycles_checked` cycles before, or None if there was none to check. It is a
    forecast, never a charge.
    """

    now: datetime
    spent_nanos: int
    # From today to the last day of the cycle.
    days: tuple[ForecastDay, ...]
    off_by_percent: int | None
    cycles_checked: int

    @property
    def end_nanos(self) -> int:
        return self.days[-1].nanos if self.days else self.spent_nanos

    @property
    def low_nanos(self) -> int:
        return self.days[-1].low_nanos if self.days else self.spent_nanos

    @property
    def high_nanos(self) -> int:
        return self.days[-1].high_nanos if self.days else self.spent_nanos

    def reached_at(self, amount_nanos: int) -> datetime | None:
        """Return when the spend reaches an amount, if it does so in this cycle."""
        if amount_nanos <= self.spent_nanos:
            return None
        begins, before = self.now, self.spent_nanos
        for each in self.days:
            ends = start_of_day(each.day) + ONE_DAY
            if each.nanos >= amount_nanos:
                part, whole = amount_nanos - before, each.nanos - before
                gone = in_microseconds(ends - begins) * part // whole
                # Before midnight, even where it is reached on the day's last dollar.
                at = begins + timedelta(microseconds=gone)
                return min(at, ends - timedelta(microseconds=1))
            begins, before = ends, each.nanos
        return None


@dataclass(frozen=True, slots=True)
class Course:
    """The spend at each coming day's end at the pace so far, without a band."""

    days: tuple[date, ...]
    nanos: tuple[int, ...]
    # The weight of the time from now to each day's end.
    weights: tuple[int, ...]
    # How far days that differ as those of the pace did may carry it until the end.
    scatter_nanos: int


@dataclass(frozen=True, slots=True)
class Miss:
    """How far the forecast of an earlier cycle was off, and what the cycle cost."""

    off_nanos: int
    cost_nanos: int

    def of(self, nanos: int) -> int:
        """Return as large a part of another amount."""
        return nanos * self.off_nanos // self.cost_nanos


def forecast_of_cycle(
    costs: Costs, cycle: Interval, *, now: datetime
) -> Forecast | None:
    """
    Return the forecast of a cycle from the costs by day before and in it.

    `costs` should go back `CYCLES_NEEDED` cycles. None means that it is too early
    in the cycle to say. After its end a cycle is what it was.
    """
    if now - cycle.start < TOO_EARLY:
        return None
    if now >= cycle.end:
        return Forecast(now, spent_in(costs, cycle), (), None, 0)
    course = course_of(costs, cycle, now=now)
    misses = list(past_misses(costs, cycle, now=now))
    half = max([course.scatter_nanos, *(miss.of(course.nanos[-1]) for miss in misses)])
    spent = spent_in(costs, cycle)
    percents = [miss.of(100) for miss in misses]
    return Forecast(
        now=now,
        spent_nanos=spent,
        days=tuple(band(course, half, at_least=spent)),
        off_by_percent=round(sum(percents) / len(percents)) if percents else None,
        cycles_checked=len(misses),
    )


def band(course: Course, half_nanos: int, *, at_least: int) -> Iterator[ForecastDay]:
    """Yield the days of a course with a band that is so wide at its end."""
    whole = course.weights[-1]
    for day, nanos, weight in zip(
        course.days, course.nanos, course.weights, strict=True
    ):
        half = half_nanos * weight // whole
        yield ForecastDay(day, nanos, max(nanos - half, at_least), nanos + half)


def past_misses(costs: Costs, cycle: Interval, *, now: datetime) -> Iterator[Miss]:
    """Yield what the forecast of this day was off by in the cycles before."""
    days = (now - cycle.start).days
    past = cycle
    for _ in range(CYCLES_CHECKED):
        past = cycle_interval(previous_cycle(past.start.date()))
        then = past.start + timedelta(days=days)
        known = {day: cost for day, cost in costs.items() if day < then.date()}
        used_before = any(known.get(then.date() - n * ONE_DAY) for n in range(3, 32))
        cost = spent_in(costs, past)
        if then >= past.end or cost <= 0 or not used_before:
            continue
        expected = course_of(known, past, now=then).nanos[-1]
        yield Miss(abs(expected - cost), cost)


def course_of(costs: Costs, cycle: Interval, *, now: datetime) -> Course:
    """Return where the spend of a cycle goes if the last two weeks go on."""
    today, weights = now.date(), weekday_weights(costs, now.date())
    gone = today_gone(weights, now)
    window = pace_window(costs, today)
    window_nanos = max(sum(costs.get(day, 0) for day in (*window, today)), 0)
    window_weight = sum(weights[day.weekday()] for day in window) + gone
    days = days_until(cycle.end.date(), today)
    until = list(accumulate(weights[day.weekday()] for day in days))
    until = [weight - gone for weight in until]
    deviations = [
        costs.get(day, 0) - window_nanos * weights[day.weekday()] // window_weight
        for day in window
    ]
    spent = spent_in(costs, cycle)
    return Course(
        days=tuple(days),
        nanos=tuple(spent + window_nanos * each // window_weight for each in until),
        weights=tuple(until),
        scatter_nanos=scatter(deviations, len(days)),
    )


def weekday_weights(costs: Costs, today: date) -> tuple[int, ...]:
    """
    Return what a day costs by its weekday, an average day being `AVERAGE_DAY`.

    A weekday's median counts, so that one spike does not; one average day more is
    thought into each, so that few weeks say little.
    """
    back = days_until(today, max(first_used(costs, today), today - WEEKDAYS_BACK))
    past = [max(costs.get(day, 0), 0) for day in back]
    total = sum(past)
    if len(back) < WEEKDAYS_LEAST or not total:
        return (AVERAGE_DAY,) * 7
    by_weekday: defaultdict[int, list[int]] = defaultdict(list)
    for day, cost in zip(back, past, strict=True):
        by_weekday[day.weekday()].append(cost)
    return tuple(
        AVERAGE_DAY
        * (median_low(own) * len(own) * len(past) + total)
        // (total * (len(own) + 1))
        for own in (by_weekday[weekday] for weekday in range(7))
    )


def today_gone(weights: Sequence[int], now: datetime) -> int:
    """Return the weight of the part of today that is over."""
    gone = now - start_of_day(now.date())
    return weights[now.weekday()] * in_microseconds(gone) // in_microseconds(ONE_DAY)


def pace_window(costs: Costs, today: date) -> list[date]:
    """Return the whole days that the pace is of: two weeks, or since the first use."""
    start = max(first_used(costs, today), today - PACE_DAYS * ONE_DAY)
    return days_until(today, min(start, today - TOO_EARLY))


def first_used(costs: Costs, today: date) -> date:
    return min((day for day, cost in costs.items() if cost > 0), default=today)


def days_until(end: date, start: date) -> list[date]:
    return [start + n * ONE_DAY for n in range((end - start).days)]


def scatter(deviations: Sequence[int], days: int) -> int:
    """
    Return how far so many days may come out: 1.3 standard deviations, about 80 %.

    Both count: that coming days differ, and that the pace is of few days.
    """
    count = len(deviations)
    if count < 2:
        return 0
    variance = sum(each * each for each in deviations) // (count - 1)
    return 13 * isqrt(variance * days * (count + days) // count) // 10


def spent_in(costs: Costs, interval: Interval) -> int:
    first, end = interval.start.date(), interval.end.date()
    return sum(cost for day, cost in costs.items() if first <= day < end)


def in_microseconds(duration: timedelta) -> int:
    """Return a duration as a whole number, which multiplies without overflow."""
    return duration // timedelta(microseconds=1)
