"""The table of a usage page for programs: the page's numbers, none rounded. Pure."""

from __future__ import annotations

from typing import Any

from core.money import exact_usd
from usage.dimensions import Metric
from usage.questions import Question
from usage.tables import Cell, Table, unit_of


def table_json(table: Table, question: Question) -> dict[str, Any]:
    """
    Return the table as plain values.

    Costs are decimal texts in dollars, counts are whole numbers; null is what
    nobody knows the price of. Instants are UTC; a period ends before its `end`.
    """
    metric, span = question.metric, question.span
    return {
        "metric": metric,
        "unit": unit_of(metric),
        "group_by": question.dimension,
        "granularity": question.granularity,
        "time_zone": span.zone_name,
        "billing_cycle": span.cycle_start and f"{span.cycle_start:%Y-%m}",
        "start": span.shown.start.isoformat(),
        "end": span.shown.end.isoformat(),
        "groups": [
            {
                "id": column.group.value or None,
                "name": column.group.name,
                "total": plain(column.total, metric),
            }
            for column in table.columns
        ],
        "periods": [
            {
                "start": row.period.interval.start.isoformat(),
                "end": row.period.interval.end.isoformat(),
                "local_start": row.period.begins.isoformat(),
                "by_group": [plain(cell, metric) for cell in row.cells],
                "total": plain(row.total, metric),
            }
            for row in table.rows
        ],
        "total": plain(table.total, metric),
    }


def plain(cell: Cell, metric: Metric) -> str | int | None:
    if cell.is_unpriced:
        return None
    return exact_usd(cell.value) if metric is Metric.COST else cell.value
