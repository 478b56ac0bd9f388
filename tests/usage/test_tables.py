"""The table of a usage page and its CSV."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.csv_text import csv_text, defused
from usage.amounts import Amounts, Series, Usage
from usage.dimensions import Granularity, Group, Metric
from usage.spans import Span
from usage.tables import percent_of, table_csv, usage_table

DAYS = Span(date(2026, 11, 1), date(2026, 11, 3)).periods(Granularity.DAY)
SECOND, THIRD = DAYS[1].interval.start, DAYS[2].interval.start


def a_usage(*groups: tuple[str, tuple[int, int, int]]) -> Usage:
    return Usage(
        DAYS,
        tuple(
            Series(
                Group(f"key_{n}", name),
                tuple(Amounts(requests=1, cost_nanos=cost) for cost in costs),
            )
            for n, (name, costs) in enumerate(groups)
        ),
    )


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_days_and_groups_add_up() -> None:
    usage = a_usage(("A", (1, 2, 3)), ("B", (10, 0, -4)))

    table = usage_table(usage, Metric.COST, until=THIRD, link=lambda *_: "")

    assert table.total.value == 12
    assert table.adds_up
    assert [column.total.value for column in table.columns] == [6, 6]


def test_days_to_come_are_left_out() -> None:
    idle = Series(Group("key_0", "A"), (Amounts(requests=1), Amounts(), Amounts()))

    table = usage_table(
        Usage(DAYS, (idle,)),
        Metric.REQUESTS,
        until=SECOND,
        link=lambda *_: "",
    )

    assert [row.period for row in table.rows] == list(DAYS[:2])


def test_decimal_points_can_be_put_in_line() -> None:
    usage = a_usage(("A", (5, 1_000_000_000, 120_000_000)))

    table = usage_table(usage, Metric.COST, until=THIRD, link=lambda *_: "")

    cells = [row.cells[0] for row in table.rows]
    assert [cell.text for cell in cells] == ["$0.000000005", "$1.00", "$0.12"]
    assert [len(cell.text + cell.padding) for cell in cells] == [12, 12, 12]


def test_the_csv_holds_exact_amounts_names_and_ids() -> None:
    usage = a_usage(("A", (5, 1_000_000_000, 0)), ("B", (1, 0, 0)))
    table = usage_table(usage, Metric.COST, until=THIRD, link=lambda *_: "")

    rows = rows_of(table_csv(table, Metric.COST))

    assert rows == [
        ["Day (UTC)", "A (key_0)", "B (key_1)", "Total (USD)"],
        ["2026-11-01", "0.000000005", "0.000000001", "0.000000006"],
        ["2026-11-02", "1.00", "0.00", "1.00"],
        ["2026-11-03", "0.00", "0.00", "0.00"],
        ["Total", "1.000000005", "0.000000001", "1.000000006"],
    ]


@pytest.mark.parametrize(
    "name", ["=1+1", "+1+1", "-cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "\n=1"]
)
def test_a_name_that_looks_like_a_formula_is_text(name: str) -> None:
    assert rows_of(csv_text([[name]]))[0][0].startswith("'")


def test_negative_numbers_stay_numbers() -> None:
    assert defused("-0.000000005") == "-0.000000005"


@given(names=st.lists(st.text(), min_size=1))
def test_no_cell_of_any_name_begins_like_a_formula(names: list[str]) -> None:
    for row in rows_of(csv_text([names])):
        for cell in row:
            is_formula = cell[:1] in set("=+-@\t\r\n")
            assert not is_formula or cell.lstrip("-").replace(".", "", 1).isdecimal()


@pytest.mark.parametrize(
    ("part", "whole", "percent"), [(1, 3, 33), (2, 3, 67), (1, 2, 50), (5, 0, 0)]
)
def test_shares_are_rounded(part: int, whole: int, percent: int) -> None:
    assert percent_of(part, whole) == percent


def test_a_small_share_is_not_written_as_nothing() -> None:
    usage = a_usage(("A", (10**9, 0, 0)), ("B", (1, 0, 0)), ("C", (0, 0, 0)))

    table = usage_table(usage, Metric.COST, until=THIRD, link=lambda *_: "")

    assert [column.share for column in table.columns] == ["100 %", "< 1 %", "0 %"]
