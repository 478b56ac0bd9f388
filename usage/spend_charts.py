"""The chart of a cycle's spend: so far, where it is going, and the limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from usage.charts import as_text, base_layout, figure_json, plotted, spend_trace
from usage.colors import PALETTE
from usage.dimensions import Granularity, Metric
from usage.spans import Period
from usage.stills import (
    BOTTOM_PX,
    PLOT_PX,
    Band,
    Level,
    Line,
    Still,
    across,
    ceiling,
    points,
    up,
)

BAND_COLOR = "rgba(86,112,230,0.2)"


@dataclass(frozen=True, slots=True)
class LimitLine:
    """A horizontal line: `kind` is soft, hard or approved."""

    kind: str
    label: str
    amount_nanos: int


@dataclass(frozen=True, slots=True)
class ForecastPoint:
    """The spend expected by a day's end, and between what it may come out."""

    day: date
    nanos: int
    low_nanos: int
    high_nanos: int


@dataclass(frozen=True, slots=True)
class SpendCourse:
    """
    What the chart shows; plotly's and the drawing without JavaScript alike.

    `spent_nanos` are sums up to each day of the cycle, today last; the forecast is
    of the days from today on.
    """

    periods: tuple[Period, ...]
    spent_nanos: tuple[int, ...]
    forecast: tuple[ForecastPoint, ...]
    limits: tuple[LimitLine, ...]

    @property
    def coming(self) -> tuple[ForecastPoint, ...]:
        """The forecast from what is spent by now, or nothing if all is over."""
        if not self.forecast or not 0 < len(self.spent_nanos) < len(self.periods):
            return ()
        today, spent = self.forecast[0].day, self.spent_nanos[-1]
        return (ForecastPoint(today, spent, spent, spent), *self.forecast[1:])

    @property
    def highest_nanos(self) -> int:
        return max([*self.spent_nanos, *(each.high_nanos for each in self.coming), 0])

    @property
    def limits_in_sight(self) -> list[LimitLine]:
        """
        The lowest limit, and those that the spend may come near.

        A line that nothing comes near would press the spend flat.
        """
        lowest = min((limit.amount_nanos for limit in self.limits), default=0)
        reach = max(3 * self.highest_nanos, lowest)
        return [limit for limit in self.limits if limit.amount_nanos <= reach]

    @property
    def top_nanos(self) -> int:
        amounts = (limit.amount_nanos for limit in self.limits_in_sight)
        return max([self.highest_nanos, *amounts])


LINE_STYLES: Mapping[str, dict[str, Any]] = {
    "soft": {"color": "#c77700", "dash": "dash", "width": 1.5},
    "hard": {"color": "#d3393f", "dash": "solid", "width": 2},
    "approved": {"color": "#7a5bd0", "dash": "dashdot", "width": 1.5},
}
# The same dashes as SVG has them.
DASHES = {"solid": "", "dash": "9 9", "dashdot": "9 5 3 5"}


def cumulative_spend(course: SpendCourse) -> str:
    """Return the figure of the spend since the start of the cycle."""
    labels = [period.day.isoformat() for period in course.periods]
    spent = course.spent_nanos
    traces = [*forecast_traces(course.coming)]
    traces.append(spend_trace(labels[: len(spent)], spent))
    layout = base_layout(y_prefix="$") | {"showlegend": False}
    layout["xaxis"]["range"] = [labels[0], labels[-1]]
    add_limit_lines(layout, course.limits_in_sight)
    layout["yaxis"]["range"] = [0, plotted(course.top_nanos, Metric.COST) * 1.1 or 1]
    return figure_json(traces, layout)


def forecast_traces(coming: Sequence[ForecastPoint]) -> Iterator[dict[str, Any]]:
    """Yield the band in which the spend may come out, then the line that is likely."""
    if not coming:
        return
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": [point.day.isoformat() for point in coming],
    }
    edge = line | {"line": {"width": 0}, "hoverinfo": "skip"}
    low = [plotted(point.low_nanos, Metric.COST) for point in coming]
    high = [plotted(point.high_nanos, Metric.COST) for point in coming]
    yield edge | {"name": "At least", "y": low}
    filled = {"fill": "tonexty", "fillcolor": BAND_COLOR}
    yield edge | {"name": "At most", "y": high} | filled
    yield line | {
        "name": "Forecast",
        "y": [plotted(point.nanos, Metric.COST) for point in coming],
        "customdata": list(zip(low, high, strict=True)),
        "hovertemplate": (
            "$%{y:,.2f} forecast, $%{customdata[0]:,.2f} to $%{customdata[1]:,.2f}"
            "<extra></extra>"
        ),
        "line": {"color": PALETTE[0], "width": 2, "dash": "dot"},
    }


def add_limit_lines(layout: dict[str, Any], limits: Sequence[LimitLine]) -> None:
    layout["shapes"] = [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": plotted(limit.amount_nanos, Metric.COST),
            "y1": plotted(limit.amount_nanos, Metric.COST),
            "line": LINE_STYLES[limit.kind],
        }
        for limit in limits
    ]
    layout["annotations"] = [
        {
            "text": as_text(limit.label),
            "xref": "paper",
            "x": 0,
            "xanchor": "left",
            "y": plotted(limit.amount_nanos, Metric.COST),
            "yanchor": "bottom",
            "showarrow": False,
            "font": {"size": 11},
        }
        for limit in limits
    ]


def still_spend(course: SpendCourse) -> Still:
    """Return the same figure for whoever runs no scripts."""
    count, top = len(course.periods), ceiling(course.top_nanos)
    lines, bands = [], []
    if course.spent_nanos:
        spent = points([*enumerate(course.spent_nanos)], count, top)
        lines.append(Line(spent, PALETTE[0], is_dashed=False, name="Spent"))
    if course.coming:
        coming = [*enumerate(course.coming, start=len(course.spent_nanos) - 1)]
        likely = points([(n, each.nanos) for n, each in coming], count, top)
        low = points([(n, each.low_nanos) for n, each in coming], count, top)
        high = points([(n, each.high_nanos) for n, each in coming[::-1]], count, top)
        bands.append(Band(f"{low} {high}", PALETTE[0], "Forecast"))
        lines.append(Line(likely, PALETTE[0], is_dashed=True, name="Forecast"))
    return Still(
        across(course.periods, Granularity.DAY),
        up(top, Metric.COST),
        lines=tuple(lines),
        bands=tuple(bands),
        levels=tuple(levels_of(course.limits_in_sight, top)),
    )


def levels_of(limits: Sequence[LimitLine], top: int) -> Iterator[Level]:
    for limit in limits:
        style = LINE_STYLES[limit.kind]
        at = f"{BOTTOM_PX - PLOT_PX * limit.amount_nanos / top:.1f}"
        yield Level(at, style["color"], DASHES[style["dash"]], limit.label)
