"""The table of a usage page, day by group; the page and its CSV show the same."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date

from core.csv_text import csv_text
from core.money import exact_usd
from usage.dimensions import Group, Metric, written
from usage.queries import Usage

# Returns the address of the records behind a cell, or nothing if there is none.
# A day or group of None means all of them.
Link = Callable[[date | None, Group | None], str]
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

    @property
    def share(self) -> str:
        """The share in words: what is not nothing is never written as 0 %."""
        if self.percent == 0 and self.total.value:
            return "< 1 %"
        return f"{self.percent} %"


@dataclass(frozen=True, slots=True)
class Row:
    """A day."""

    day: date
    cells: tuple[Cell, ...]
    total: Cell


@dataclass(frozen=True, slots=True)
class Table:
    """A usage table. Days add up to `total`, and so do groups."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    total: Cell

    @property
    def adds_up(self) -> bool:
        by_day = sum(row.total.value for row in self.rows)
        by_group = sum(column.total.value for column in self.columns)
        return by_day == by_group == self.total.value


def usage_table(
    usage: Usage,
    metric: Metric,
    *,
    until: date,
    link: Link,
    unpriced: Collection[tuple[date, Group]] = (),
) -> Table:
    """
    Return the table of a usage up to a day; later days have not come yet.

    `unpriced` says on which days which groups used what has no price.
    """
    is_unpriced = unknown_costs(unpriced if metric is Metric.COST else ())
    total = usage.total.of(metric)
    decimals = most_decimals(usage, metric)

    def cell(value: int, day: date | None, group: Group | None) -> Cell:
        if value == 0 and is_unpriced(day, group):
            return Cell(value, UNPRICED, link(day, group), is_unpriced=True)
        text = written(value, metric)
        padding = "0" * (decimals - decimals_of(text))
        return Cell(value, text, link(day, group) if value else "", padding)

    columns = tuple(
        Column(
            series.group,
            cell(series.total.of(metric), None, series.group),
            percent_of(series.total.of(metric), total),
        )
        for series in usage.series
    )
    rows = tuple(
        Row(
            day,
            tuple(
                cell(series.by_day[place].of(metric), day, series.group)
                for series in usage.series
            ),
            cell(amounts.of(metric), day, None),
        )
        for place, (day, amounts) in enumerate(
            zip(usage.days, usage.by_day, strict=True)
        )
        if day <= until or amounts.requests
    )
    return Table(columns, rows, cell(total, None, None))


def unknown_costs(
    unpriced: Collection[tuple[date, Group]],
) -> Callable[[date | None, Group | None], bool]:
    """Return what says of a cell whether something without a price is in it."""
    days, groups = {day for day, _ in unpriced}, {group for _, group in unpriced}

    def is_unpriced(day: date | None, group: Group | None) -> bool:
        if day is None:
            return bool(groups) if group is None else group in groups
        return day in days if group is None else (day, group) in unpriced

    return is_unpriced


def most_decimals(usage: Usage, metric: Metric) -> int:
    """Return how many decimals the longest amount of the table has."""
    amounts = [*usage.by_day, *(a for series in usage.series for a in series.by_day)]
    amounts += [usage.total, *(series.total for series in usage.series)]
    texts = (written(each.of(metric), metric) for each in amounts)
    return max((decimals_of(text) for text in texts), default=0)


def decimals_of(text: str) -> int:
    return len(text.partition(".")[2])


def percent_of(part: int, whole: int) -> int:
    """Return a share in whole percent, half up; of nothing it is zero."""
    return (200 * part + whole) // (2 * whole) if whole > 0 else 0


def table_csv(table: Table, metric: Metric) -> str:
    """Return the table as CSV: names with ids, amounts without signs or separators."""
    unit = {Metric.COST: "USD", Metric.TOKENS: "tokens", Metric.REQUESTS: "requests"}
    names = [column_name(column.group) for column in table.columns]
    header = ["Day (UTC)", *names, f"Total ({unit[metric]})"]
    lines: list[Sequence[str]] = [header]
    for row in table.rows:
        cells = [plain(cell, metric) for cell in (*row.cells, row.total)]
        lines.append([row.day.isoformat(), *cells])
    totals = [plain(column.total, metric) for column in table.columns]
    lines.append(["Total", *totals, plain(table.total, metric)])
    return csv_text(lines)


def column_name(group: Group) -> str:
    if group.is_rest or group.value == group.name:
        return group.name
    return f"{group.name} ({group.value})"


def plain(cell: Cell, metric: Metric) -> str:
    if cell.is_unpriced:
        return cell.text
    return exact_usd(cell.value) if metric is Metric.COST else str(cell.value)
