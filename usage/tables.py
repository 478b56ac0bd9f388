"""The table of a usage page, period by group; page, CSV and JSON show the same."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.csv_text import csv_text
from core.money import exact_usd
from usage.amounts import Usage
from usage.colors import REST_COLOR, color_of
from usage.dimensions import Granularity, Group, Metric, written
from usage.spans import Period

# Returns the address of the records behind a cell, or nothing if there is none.
# A period or group of None means all of them.
Link = Callable[[Period | None, Group | None], str]
UNPRICED = "Unpriced"


@dataclass(frozen=True, slots=True)
class Cell:
    """
    An amount, written in full, and where its records are.

    `padding` are the zeros that would put its decimal point in line with others.
    What nobody knows the cost of is a word, never zero.
    """

    value: int
    text: str
    url: str
    padding: str = ""
    is_unpriced: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A group, its total, and its share of everything in whole percent."""

    group: Group
    total: Cell
    percent: int
    # That of its bars, and its line through the periods, for a `polyline`.
    color: str = REST_COLOR
    spark: str = ""

    @property
    def share(self) -> str:
        """The share in words: what is not nothing is never written as 0 %."""
        if self.percent == 0 and self.total.value:
            return "< 1 %"
        return f"{self.percent} %"


@dataclass(frozen=True, slots=True)
class Row:
    """What was used in a period."""

    period: Period
    cells: tuple[Cell, ...]
    total: Cell


@dataclass(frozen=True, slots=True)
class Table:
    """A usage table. Periods add up to `total`, and so do groups."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    total: Cell

    @property
    def adds_up(self) -> bool:
        by_period = sum(row.total.value for row in self.rows)
        by_group = sum(column.total.value for column in self.columns)
        return by_period == by_group == self.total.value


def usage_table(
    usage: Usage,
    metric: Metric,
    *,
    until: datetime,
    link: Link,
    unpriced: Collection[tuple[Period, Group]] = (),
) -> Table:
    """
    Return the table of a usage up to an instant; later periods have not come yet.

    `unpriced` says in which periods which groups used what has no price.
    """
    is_unpriced = unknown_costs(unpriced if metric is Metric.COST else ())
    total = usage.total.of(metric)
    decimals = most_decimals(usage, metric)

    def cell(value: int, period: Period | None, group: Group | None) -> Cell:
        if value == 0 and is_unpriced(period, group):
            return Cell(value, UNPRICED, link(period, group), is_unpriced=True)
        text = written(value, metric)
        padding = "0" * (decimals - decimals_of(text))
        return Cell(value, text, link(period, group) if value else "", padding)

    columns = tuple(
        Column(
            series.group,
            cell(series.total.of(metric), None, series.group),
            percent_of(series.total.of(metric), total),
            REST_COLOR if series.group.is_rest else color_of(place),
            spark_of([amounts.of(metric) for amounts in series.by_period]),
        )
        for place, series in enumerate(usage.series)
    )
    rows = tuple(
        Row(
            period,
            tuple(
                cell(series.by_period[place].of(metric), period, series.group)
                for series in usage.series
            ),
            cell(amounts.of(metric), period, None),
        )
        for place, (period, amounts) in enumerate(
            zip(usage.periods, usage.by_period, strict=True)
        )
        if period.interval.start <= until or amounts.requests
    )
    return Table(columns, rows, cell(total, None, None))


def spark_of(values: Sequence[int]) -> str:
    """Return the corners of a line that shows how values went, in percent."""
    highest = max(values, default=0)
    if highest <= 0 or len(values) < 2:
        return ""
    step = 100 / (len(values) - 1)
    corners = (
        f"{step * n:.1f},{100 - 100 * max(value, 0) / highest:.1f}"
        for n, value in enumerate(values)
    )
    return " ".join(corners)


def unknown_costs(
    unpriced: Collection[tuple[Period, Group]],
) -> Callable[[Period | None, Group | None], bool]:
    """Return what says of a cell whether something without a price is in it."""
    periods, groups = {each for each, _ in unpriced}, {group for _, group in unpriced}

    def is_unpriced(period: Period | None, group: Group | None) -> bool:
        if period is None:
            return bool(groups) if group is None else group in groups
        return period in periods if group is None else (period, group) in unpriced

    return is_unpriced


def most_decimals(usage: Usage, metric: Metric) -> int:
    """Return how many decimals the longest amount of the table has."""
    amounts = [*usage.by_period, usage.total]
    for series in usage.series:
        amounts += [*series.by_period, series.total]
    texts = (written(each.of(metric), metric) for each in amounts)
    return max((decimals_of(text) for text in texts), default=0)


def decimals_of(text: str) -> int:
    return len(text.partition(".")[2])


def percent_of(part: int, whole: int) -> int:
    """Return a share in whole percent, half up; of nothing it is zero."""
    return (200 * part + whole) // (2 * whole) if whole > 0 else 0


def table_csv(
    table: Table,
    metric: Metric,
    *,
    granularity: Granularity = Granularity.DAY,
    zone_name: str = "UTC",
) -> str:
    """Return the table as CSV: names with ids, amounts without signs or separators."""
    names = [column_name(column.group) for column in table.columns]
    header = [
        f"{granularity.title()} ({zone_name})",
        *names,
        f"Total ({unit_of(metric)})",
    ]
    lines: list[Sequence[str]] = [header]
    for row in table.rows:
        cells = [plain(cell, metric) for cell in (*row.cells, row.total)]
        lines.append([period_id(row.period, granularity), *cells])
    totals = [plain(column.total, metric) for column in table.columns]
    lines.append(["Total", *totals, plain(table.total, metric)])
    return csv_text(lines)


def unit_of(metric: Metric) -> str:
    match metric:
        case Metric.COST:
            return "USD"
        case Metric.TOKENS:
            return "tokens"
        case Metric.REQUESTS | Metric.ERRORS:
            return "requests"


def period_id(period: Period, granularity: Granularity) -> str:
    """Return a period as programs read it: `2026-11-03`, an hour with its offset."""
    if granularity is Granularity.HOUR:
        return period.begins.isoformat(timespec="minutes")
    return period.day.isoformat()


def column_name(group: Group) -> str:
    if group.is_rest or group.value == group.name:
        return group.name
    return f"{group.name} ({group.value})"


def plain(cell: Cell, metric: Metric) -> str:
    if cell.is_unpriced:
        return cell.text
    return exact_usd(cell.value) if metric is Metric.COST else str(cell.value)
