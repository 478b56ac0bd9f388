"""Figures for plotly.js."""

from __future__ import annotations

import json
from datetime import date

from tests.factories import usd
from usage.amounts import Amounts, Series, Usage
from usage.charts import LimitLine, cumulative_spend, limits_in_sight, stacked_bars
from usage.dimensions import Granularity, Group, Metric
from usage.spans import Span

PERIODS = Span.of_cycle(date(2026, 11, 1)).periods(Granularity.DAY)
DAYS = [period.day for period in PERIODS]


def usage_named(*names: str) -> Usage:
    by_day = tuple(Amounts(cost_nanos=usd(1)) for _ in DAYS)
    series = tuple(Series(Group(f"key_{name}", name), by_day) for name in names)
    return Usage(PERIODS, series)


def test_a_figure_without_data_is_small() -> None:
    assert len(stacked_bars(Usage(PERIODS, ()), Metric.COST)) < 1500
    assert len(cumulative_spend(DAYS, [], forecast_nanos=None, limits=[])) < 1500


def test_a_layer_for_each_group_and_a_bar_for_each_day() -> None:
    figure = json.loads(stacked_bars(usage_named("A", "B"), Metric.COST))

    assert [layer["name"] for layer in figure["data"]] == ["A", "B"]
    assert figure["data"][0]["y"] == [1.0] * 30
    assert figure["data"][0]["customdata"][0] == "$1.00"


def test_a_name_is_neither_markup_of_the_page_nor_of_the_figure() -> None:
    text = stacked_bars(usage_named("</script><b>x</b>"), Metric.COST)

    assert "<" not in text
    name = json.loads(text)["data"][0]["name"]
    assert name == "&lt;/script&gt;&lt;b&gt;x&lt;/b&gt;"


def test_the_forecast_goes_on_from_today_to_the_end() -> None:
    text = cumulative_spend(
        DAYS, [usd(1), usd(2), usd(3)], forecast_nanos=usd(30), limits=[]
    )

    spent, forecast = json.loads(text)["data"]
    assert spent["x"][-1] == forecast["x"][0] == "2026-11-03"
    assert (forecast["x"][-1], forecast["y"]) == ("2026-11-30", [3.0, 30.0])


def test_limits_are_lines_with_their_names() -> None:
    limit = LimitLine("hard", "Hard limit $5.00", usd(5))

    figure = json.loads(
        cumulative_spend(DAYS, [usd(1)], forecast_nanos=None, limits=[limit])
    )

    assert figure["layout"]["shapes"][0]["y0"] == 5.0
    assert figure["layout"]["annotations"][0]["text"] == "Hard limit $5.00"


def test_a_limit_far_above_all_else_is_out_of_sight() -> None:
    near = LimitLine("soft", "Soft limit", usd(20))
    far = LimitLine("hard", "Hard limit", usd(10_000))

    assert limits_in_sight([near, far], usd(10)) == [near]
    assert limits_in_sight([far], usd(10)) == [far]
    assert limits_in_sight([], usd(10)) == []
