"""The chart of a cycle's spend: plotly's figure, and the drawing without scripts."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from tests.factories import usd
from usage.dimensions import Granularity
from usage.spans import Span
from usage.spend_charts import (
    ForecastPoint,
    LimitLine,
    SpendCourse,
    cumulative_spend,
    still_spend,
)
from usage.stills import BOTTOM_PX, PLOT_PX

PERIODS = Span.of_cycle(date(2026, 11, 1)).periods(Granularity.DAY)
NEAR = LimitLine("soft", "Soft limit", usd(20))
FAR = LimitLine("hard", "Hard limit $10,000.00", usd(10_000))
# Three days of $1 each; on the fourth it will be $4, more or less.
FORECAST = tuple(
    ForecastPoint(date(2026, 11, day), usd(day), usd(day) - usd(1), usd(day) + usd(2))
    for day in range(3, 31)
)
COURSE = SpendCourse(PERIODS, (usd(1), usd(2), usd(3)), FORECAST, (NEAR,))


def traces_of(course: SpendCourse) -> dict[str, Any]:
    return {each["name"]: each for each in json.loads(cumulative_spend(course))["data"]}


def test_the_forecast_goes_on_from_what_is_spent_to_the_end() -> None:
    traces = traces_of(COURSE)

    spent, forecast = traces["Spent"], traces["Forecast"]
    assert spent["x"][-1] == forecast["x"][0] == "2026-11-03"
    assert forecast["y"][:2] == [3.0, 4.0]
    assert (forecast["x"][-1], forecast["y"][-1]) == ("2026-11-30", 30.0)


def test_its_band_begins_with_nothing_and_ends_with_both_edges() -> None:
    traces = traces_of(COURSE)

    assert traces["At least"]["y"][:2] == [3.0, 3.0]
    assert traces["At most"]["y"][:2] == [3.0, 6.0]
    assert (traces["At least"]["y"][-1], traces["At most"]["y"][-1]) == (29.0, 32.0)
    assert traces["At most"]["fill"] == "tonexty"


def test_the_drawing_has_the_same_band_line_and_limits() -> None:
    still = still_spend(COURSE)

    (band,), (limit,) = still.bands, still.levels
    spent, forecast = still.lines
    assert spent.points.split()[-1] == forecast.points.split()[0]
    assert len(band.points.split()) == 2 * len(FORECAST)
    # The axis ends at $50, the next round number above the band.
    assert float(limit.at) == pytest.approx(BOTTOM_PX - PLOT_PX * 20 / 50, abs=0.1)
    assert (limit.text, forecast.is_dashed) == ("Soft limit", True)


@pytest.mark.parametrize("spent", [(), (usd(1),) * 30])
def test_before_and_after_a_cycle_there_is_no_band(spent: tuple[int, ...]) -> None:
    course = SpendCourse(PERIODS, spent, FORECAST, ())

    assert set(traces_of(course)) == {"Spent"}
    assert still_spend(course).bands == ()


def test_limits_are_lines_with_their_names() -> None:
    figure = json.loads(cumulative_spend(COURSE))

    assert figure["layout"]["shapes"][0]["y0"] == 20.0
    assert figure["layout"]["annotations"][0]["text"] == "Soft limit"


def test_a_limit_far_above_all_else_is_out_of_sight() -> None:
    both = SpendCourse(PERIODS, (usd(10),), (), (NEAR, FAR))
    far = SpendCourse(PERIODS, (usd(10),), (), (FAR,))

    assert both.limits_in_sight == [NEAR]
    assert far.limits_in_sight == [FAR]
    assert SpendCourse(PERIODS, (usd(10),), (), ()).limits_in_sight == []


def test_what_the_forecast_may_come_to_stays_in_sight() -> None:
    assert COURSE.top_nanos == usd(32)
