"""Charts as the server draws them: bars as high as their numbers."""

from __future__ import annotations

from datetime import date

import pytest

from tests.factories import usd
from usage.amounts import Amounts, Series, Usage
from usage.dimensions import Granularity, Group, Metric
from usage.spans import Span
from usage.stills import PLOT_PX, ceiling, short, still_bars, still_lines

PERIODS = Span(date(2026, 11, 1), date(2026, 11, 4)).periods(Granularity.DAY)


def usage_at(*costs: int) -> Usage:
    by_period = tuple(Amounts(cost_nanos=usd(cost)) for cost in costs)
    return Usage(PERIODS, (Series(Group("a", "A"), by_period),))


def test_bars_are_as_high_as_their_numbers() -> None:
    still = still_bars(usage_at(0, 5, 10, 2), Metric.COST, Granularity.DAY)

    heights = [float(bar.height) for bar in still.bars]
    assert heights == pytest.approx([PLOT_PX / 2, PLOT_PX, PLOT_PX / 5])
    assert [mark.text for mark in still.up] == ["$0", "$2", "$4", "$6", "$8", "$10"]
    assert still.across[0].text == "1 Nov"


def test_layers_stand_on_each_other() -> None:
    usage = usage_at(5, 5, 5, 5)
    both = Usage(PERIODS, usage.series * 2)

    lower, upper = still_bars(both, Metric.COST, Granularity.DAY).bars[:2]

    assert float(upper.y) + float(upper.height) == pytest.approx(float(lower.y))


def test_a_line_has_a_gap_where_nothing_is_known() -> None:
    line = ("A", [100, 200, None, 400], "#000", False)
    still = still_lines(PERIODS, Granularity.DAY, None, [line])

    assert [len(each.points.split()) for each in still.lines] == [2, 2]


def test_of_nothing_there_is_an_axis() -> None:
    still = still_bars(Usage(PERIODS, ()), Metric.REQUESTS, Granularity.DAY)

    assert (still.bars, len(still.up)) == ((), 6)


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 5), (1, 5), (6, 10), (26, 50), (51, 100), (7_300, 10_000)]
)
def test_the_axis_ends_with_a_round_number(highest: int, top: int) -> None:
    assert ceiling(highest) == top


def test_an_axis_has_room_for_its_numbers() -> None:
    assert short(2_500_000, Metric.TOKENS) == "2.5M"
    assert short(1_500, None) == "1.5 s"
    assert short(usd("0.002"), Metric.COST) == "$0.002"
