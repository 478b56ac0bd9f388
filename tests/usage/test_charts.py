"""Figures for plotly.js."""

from __future__ import annotations

import json
from datetime import date

from tests.factories import usd
from usage.amounts import Amounts, Series, Usage
from usage.charts import stacked_bars
from usage.dimensions import Granularity, Group, Metric
from usage.spans import Span
from usage.spend_charts import SpendCourse, cumulative_spend

PERIODS = Span.of_cycle(date(2026, 11, 1)).periods(Granularity.DAY)
DAYS = [period.day for period in PERIODS]


def usage_named(*names: str) -> Usage:
    by_day = tuple(Amounts(cost_nanos=usd(1)) for _ in DAYS)
    series = tuple(Series(Group(f"key_{name}", name), by_day) for name in names)
    return Usage(PERIODS, series)


def test_a_figure_without_data_is_small() -> None:
    assert len(stacked_bars(Usage(PERIODS, ()), Metric.COST)) < 1500
    assert len(cumulative_spend(SpendCourse(PERIODS, (), (), ()))) < 1500


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
