"""
Charts without JavaScript: where bars and lines are drawn, for `parts/still.html`. Pure.

The same figure as plotly's in a box of the same size, which plotly replaces: what is
across is in percent of the width, what is up in pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor, log10

from usage.amounts import Usage
from usage.colors import REST_COLOR, color_of
from usage.dimensions import Granularity, Metric
from usage.spans import Period

# As in plotly's layout: a box of 320 pixels, less its margins.
TOP_PX, PLOT_PX = 12, 272
BOTTOM_PX = TOP_PX + PLOT_PX
GAP_PERCENT = 25
TICKS, LABELS_MAX = 5, 8
NANOS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Bar:
    x: str
    width: str
    y: str
    height: str
    color: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """`points` are across and up in percent, for a `polyline`."""

    points: str
    color: str
    is_dashed: bool
    name: str


@dataclass(frozen=True, slots=True)
class Band:
    """What lies between two lines: `points` as those of a line, for a `polygon`."""

    points: str
    color: str
    name: str


@dataclass(frozen=True, slots=True)
class Level:
    """A line across everything, and what is written on it."""

    at: str
    color: str
    dash: str
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A label of an axis, and how far from its beginning it is."""

    at: str
    text: str


@dataclass(frozen=True, slots=True)
class Still:
    across: tuple[Mark, ...]
    up: tuple[Mark, ...]
    bars: tuple[Bar, ...] = ()
    lines: tuple[Line, ...] = ()
    bands: tuple[Band, ...] = ()
    levels: tuple[Level, ...] = ()


def still_bars(usage: Usage, metric: Metric, granularity: Granularity) -> Still:
    """Return bars of periods, in layers of groups; only what is above zero is drawn."""
    count = len(usage.periods)
    heights = [
        sum(max(series.by_period[n].of(metric), 0) for series in usage.series)
        for n in range(count)
    ]
    top = ceiling(max(heights, default=0))
    bars = []
    for n in range(count):
        under = 0
        for place, series in enumerate(usage.series):
            value = max(series.by_period[n].of(metric), 0)
            if value:
                color = REST_COLOR if series.group.is_rest else color_of(place)
                bars.append(bar(n, count, under, value, top, color, series.group.name))
                under += value
    return Still(across(usage.periods, granularity), up(top, metric), tuple(bars))


def bar(
    n: int, count: int, under: int, value: int, top: int, color: str, name: str
) -> Bar:
    width = 100 / count
    high = PLOT_PX * value / top
    return Bar(
        x=percent(width * n + width * GAP_PERCENT / 200),
        width=percent(width * (100 - GAP_PERCENT) / 100),
        y=f"{BOTTOM_PX - PLOT_PX * under / top - high:.1f}",
        height=f"{high:.1f}",
        color=color,
        text=name,
    )


def still_lines(
    periods: Sequence[Period],
    granularity: Granularity,
    metric: Metric | None,
    lines: Iterable[tuple[str, Sequence[int | None], str, bool]],
) -> Still:
    """
    Return lines of name, values, color and whether dashed; None leaves a gap.

    A metric of None means milliseconds.
    """
    drawn = list(lines)
    values = [value for _, each, _, _ in drawn for value in each if value is not None]
    top = ceiling(max(values, default=0))
    found = [
        Line(points(run, len(periods), top), color, is_dashed, name)
        for name, each, color, is_dashed in drawn
        for run in runs(each)
    ]
    return Still(across(periods, granularity), up(top, metric), (), tuple(found))


def runs(values: Sequence[int | None]) -> list[list[tuple[int, int]]]:
    """Return the pieces of values between gaps, each with its places."""
    pieces: list[list[tuple[int, int]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append((place, value))
    return [piece for piece in pieces if piece]


def points(run: list[tuple[int, int]], count: int, top: int) -> str:
    """Return the corners of a line, in the middle of each period."""
    corners = [
        ((100 * n + 50) / count, 100 - 100 * max(value, 0) / top) for n, value in run
    ]
    if len(corners) == 1:
        # A line of one corner is not drawn: make it as wide as its bar.
        ((x, y),) = corners
        corners = [(x - 25 / count, y), (x + 25 / count, y)]
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in corners)


def ceiling(highest: int) -> int:
    """Return a round number that is not lower, a multiple of the ticks."""
    if highest <= 0:
        return TICKS
    step = 10 ** max(floor(log10(highest / TICKS)), 0)
    for factor in (1, 2, 5, 10):
        if step * factor * TICKS >= highest:
            return int(step * factor * TICKS)
    raise AssertionError(highest)


def up(top: int, metric: Metric | None) -> tuple[Mark, ...]:
    return tuple(
        Mark(f"{BOTTOM_PX - PLOT_PX * n / TICKS:.1f}", short(top * n // TICKS, metric))
        for n in range(TICKS + 1)
    )


def short(value: int, metric: Metric | None) -> str:
    """Return a value as an axis has room for it: `$1.2`, `3M`, `850 ms`."""
    if metric is None:
        return f"{value / 1000:g} s" if value >= 1000 else f"{value} ms"
    if metric is Metric.COST:
        return f"${value / NANOS:g}"
    for size, letter in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return str(value)


def across(periods: Sequence[Period], granularity: Granularity) -> tuple[Mark, ...]:
    """Return labels of some of the periods, so many as there is room for."""
    each = max(-(-len(periods) // LABELS_MAX), 1)
    return tuple(
        Mark(percent((100 * n + 50) / len(periods)), axis_label(period, granularity))
        for n, period in enumerate(periods)
        if n % each == 0
    )


def axis_label(period: Period, granularity: Granularity) -> str:
    match granularity:
        case Granularity.HOUR:
            return f"{period.begins:%-d %b %H:%M}"
        case Granularity.MONTH:
            return f"{period.begins:%b %Y}"
        case _:
            return f"{period.begins:%-d %b}"


def percent(value: float) -> str:
    return f"{value:.3f}%"
