"""
Charts: figures as JSON, drawn in the browser by static/js/tokenhouse.js.

The one module that speaks to plotly. Colors of text and grid are the page's and
come from there, so that a figure fits a light and a dark page. A figure is never
the only place of a number: each page has the table and a sentence beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from html import escape
from itertools import accumulate
from typing import Any

from core.money import NANOS_PER_DOLLAR
from usage.amounts import Usage
from usage.colors import PALETTE, REST_COLOR
from usage.dimensions import Granularity, Metric, written
from usage.spans import Period

BEFORE = "Same weekdays before"
PATTERNS = ("", "", "", "", "/", "\\", "x", ".")


def stacked_bars(
    usage: Usage,
    metric: Metric,
    granularity: Granularity = Granularity.DAY,
    before: Usage | None = None,
) -> str:
    """Return the figure of a bar for each period, a layer for each group."""
    labels = period_labels(usage.periods, granularity)
    traces: list[dict[str, Any]] = []
    for position, series in enumerate(usage.series):
        values = [amounts.of(metric) for amounts in series.by_period]
        traces.append(
            {
                "type": "bar",
                "name": as_text(series.group.name),
                "x": labels,
                "y": [plotted(value, metric) for value in values],
                "customdata": [written(value, metric) for value in values],
                "hovertemplate": "%{customdata}",
                "marker": bar_marker(position, is_rest=series.group.is_rest),
            }
        )
    if before is not None:
        values = [amounts.of(metric) for amounts in before.by_period]
        traces.append(dashed_trace(BEFORE, labels, values, metric))
    layout = base_layout(y_prefix="$" if metric is Metric.COST else "")
    layout |= {"barmode": "relative", "bargap": 0.25, "showlegend": len(traces) > 1}
    name_hours(layout, granularity)
    return figure_json(traces, layout)


def running_total(
    usage: Usage,
    metric: Metric,
    granularity: Granularity,
    *,
    until: int,
    before: Usage | None = None,
) -> str:
    """Return the figure of what adds up from the first period to the `until`th."""
    labels = period_labels(usage.periods, granularity)
    sums = running_sums(usage, metric)[:until]
    trace = spend_trace(labels[:until], [])
    trace |= {
        "name": "So far",
        "y": [plotted(value, metric) for value in sums],
        "customdata": [written(value, metric) for value in sums],
        "hovertemplate": "%{customdata} so far<extra></extra>",
    }
    traces = [trace]
    if before is not None:
        traces.append(
            dashed_trace(BEFORE, labels, running_sums(before, metric), metric)
        )
    layout = base_layout(y_prefix="$" if metric is Metric.COST else "")
    layout["showlegend"] = before is not None
    name_hours(layout, granularity)
    return figure_json(traces, layout)


def running_sums(usage: Usage, metric: Metric) -> list[int]:
    return list(accumulate(amounts.of(metric) for amounts in usage.by_period))


def dashed_trace(
    name: str, labels: Sequence[str], values: Sequence[int], metric: Metric
) -> dict[str, Any]:
    """Return a line of another time, period by period."""
    count = min(len(labels), len(values))
    return {
        "type": "scatter",
        "mode": "lines+markers" if count < 3 else "lines",
        "name": name,
        "x": list(labels[:count]),
        "y": [plotted(value, metric) for value in values[:count]],
        "customdata": [written(value, metric) for value in values[:count]],
        "hovertemplate": "%{customdata}",
        "line": {"color": REST_COLOR, "width": 2, "dash": "dash"},
    }


def latency_lines(
    periods: Sequence[Period],
    granularity: Granularity,
    lines: Sequence[tuple[str, Sequence[int | None]]],
) -> str:
    """Return the figure of a line in milliseconds for each name; None is a gap."""
    labels = period_labels(periods, granularity)
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": as_text(name),
            "x": labels,
            "y": list(values),
            "hovertemplate": "%{y:,} ms",
            "line": {"color": PALETTE[place % len(PALETTE)], "width": 2},
            "marker": {"symbol": place % len(PALETTE), "size": 6},
        }
        for place, (name, values) in enumerate(lines)
    ]
    layout = base_layout(y_prefix="") | {"showlegend": len(traces) > 1}
    layout["yaxis"]["ticksuffix"] = " ms"
    layout["margin"]["l"] = 72
    name_hours(layout, granularity)
    return figure_json(traces, layout)


def period_labels(periods: Sequence[Period], granularity: Granularity) -> list[str]:
    """Return periods as plotly's axis of dates reads them, by the local clock."""
    if granularity is Granularity.HOUR:
        return [period.begins.strftime("%Y-%m-%d %H:%M") for period in periods]
    return [period.day.isoformat() for period in periods]


def name_hours(layout: dict[str, Any], granularity: Granularity) -> None:
    if granularity is Granularity.HOUR:
        layout["xaxis"] |= {
            "tickformat": "%-d %b %H:%M",
            "hoverformat": "%a, %-d %B %H:%M",
        }


def bar_marker(position: int, *, is_rest: bool) -> dict[str, Any]:
    if is_rest:
        return {"color": REST_COLOR}
    place = position % len(PALETTE)
    marker: dict[str, Any] = {"color": PALETTE[place]}
    if PATTERNS[place]:
        marker["pattern"] = {"shape": PATTERNS[place], "size": 6, "solidity": 0.25}
    return marker


def spend_trace(labels: Sequence[str], spent_nanos: Sequence[int]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(labels) < 3 else "lines",
        "name": "Spent",
        "x": list(labels),
        "y": [plotted(value, Metric.COST) for value in spent_nanos],
        "customdata": [written(value, Metric.COST) for value in spent_nanos],
        "hovertemplate": "%{customdata} spent<extra></extra>",
        "line": {"color": PALETTE[0], "width": 2.5, "shape": "linear"},
        "fill": "tozeroy",
        "fillcolor": "rgba(86,112,230,0.13)",
    }


def base_layout(*, y_prefix: str) -> dict[str, Any]:
    """Return what all our figures share."""
    return {
        "margin": {"l": 56, "r": 12, "t": 12, "b": 36},
        "hovermode": "x unified",
        "font": {"size": 12},
        "legend": {"orientation": "h", "y": -0.14, "traceorder": "normal"},
        "xaxis": {
            "type": "date",
            "tickformat": "%-d %b",
            "hoverformat": "%a, %-d %B",
            "showgrid": False,
            "fixedrange": True,
            "spikecolor": REST_COLOR,
            "spikethickness": 1,
            "spikedash": "solid",
        },
        "yaxis": {
            "rangemode": "tozero",
            "tickprefix": y_prefix,
            "separatethousands": True,
            "fixedrange": True,
            "nticks": 6,
        },
    }


def as_text(name: str) -> str:
    """Return a name as text: plotly reads some HTML in what it draws."""
    return escape(name, quote=False)


def plotted(value: int, metric: Metric) -> float:
    """Return a value's height in the figure: the one place that rounds to a float."""
    return float(Decimal(value) / NANOS_PER_DOLLAR) if metric is Metric.COST else value


def figure_json(traces: list[dict[str, Any]], layout: dict[str, Any]) -> str:
    """
    Return a figure as JSON, checked by plotly.

    Without plotly's own template, which alone would be 7 kB.
    """
    # Costs 40 ms or more: only a page with a chart shall pay it, not every start.
    from plotly.graph_objects import Figure

    figure = Figure(data=traces, layout=layout, skip_invalid=False)
    figure.layout.template = None
    text = figure.to_json()
    assert isinstance(text, str)
    return text
