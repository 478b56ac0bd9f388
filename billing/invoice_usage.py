"""The lines of an invoice that are usage: sums of the records it bills."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from billing.charges_sql import CHARGES_OF_RECORD, SHARES
from billing.explanations import LABELS
from billing.invoicing import Line, LineKind
from billing.models import ServiceTier
from core.periods import cycle_interval
from usage.spans import EDGE

# The records of the cycle, and of earlier ones those that came too late for theirs.
BILLED = """
    SELECT * FROM usage_usagerecord
    WHERE organization_id = %(organization_id)s AND NOT simulated
        AND cycle_start = %(cycle_start)s AND sequence <= %(up_to)s
        AND occurred_at >= %(start)s AND occurred_at < %(end)s
    UNION ALL
    SELECT * FROM usage_usagerecord
    WHERE organization_id = %(organization_id)s AND NOT simulated
        AND cycle_start < %(cycle_start)s
        AND sequence > %(after)s AND sequence <= %(up_to)s
"""
TOTALS = f"""
    SELECT cycle_start, model, kind, count(*), sum(cost_nanos)::bigint,
           sum(coalesce(credit_nanos, 0))::bigint
    FROM ({BILLED}) AS billed
    GROUP BY cycle_start, model, kind ORDER BY cycle_start, model, kind
"""  # noqa: S608 - our own SQL
CHARGES = f"""
    SELECT record.cycle_start, record.model, price.service_tier, charge.kind,
           coalesce(input_tokens > long_context_above AND charge.has_long, false),
           charge.nanos, sum(charge.quantity)::bigint
    FROM ({BILLED}) AS record
    JOIN billing_price AS price ON price.id = record.price_id
    {SHARES}
    CROSS JOIN LATERAL ({CHARGES_OF_RECORD}) AS charge (
        place, kind, quantity, nanos, has_long
    )
    WHERE record.kind = 'actual' AND charge.quantity <> 0 AND charge.nanos IS NOT NULL
    GROUP BY 1, 2, 3, charge.place, 4, 5, 6
    ORDER BY 1, 2, 3, charge.place, 5, 6
"""  # noqa: S608 - our own SQL
TIERS = dict(ServiceTier.choices)


@dataclass(frozen=True, slots=True)
class Range:
    """Which records an invoice bills: `after` bounds those of earlier cycles."""

    organization_id: int
    cycle_start: date
    after: int
    up_to: int

    def parameters(self) -> dict[str, Any]:
        interval = cycle_interval(self.cycle_start)
        start: datetime = interval.start - EDGE
        return {
            "organization_id": self.organization_id,
            "cycle_start": self.cycle_start,
            "after": self.after,
            "up_to": self.up_to,
            "start": start,
            "end": interval.end + EDGE,
        }


def usage_lines(billed: Range) -> list[Line]:
    """
    Return the lines of the records, exactly what they cost, and what credit paid.

    Whatever quantities times prices do not explain is a line too: the lines are
    always the sum of the records.
    """
    parameters = billed.parameters()
    totals, charges = fetch(TOTALS, parameters), fetch(CHARGES, parameters)
    lines = [charge_line(*row) for row in charges]
    explained: dict[tuple[date, str], int] = defaultdict(int)
    for line in lines:
        assert line.cycle_start is not None
        explained[line.cycle_start, line.model] += line.exact_nanos
    lines += list(lines_without_price(totals, explained))
    lines.sort(key=lambda line: (line.cycle_start or billed.cycle_start, line.model))
    credit = sum(row[5] for row in totals)
    if credit:
        lines.append(Line(LineKind.CREDIT, "Paid by credit", -credit))
    assert sum(line.exact_nanos for line in lines) == sum(r[4] - r[5] for r in totals)
    return lines


def charge_line(
    cycle: date, model: str, tier: str, kind: str, is_long: bool, unit: int, count: int
) -> Line:
    words = [model, LABELS[kind]]
    words += [TIERS[tier].lower()] if tier else []
    words += ["long context"] if is_long else []
    return Line(
        LineKind.USAGE,
        ", ".join(words),
        count * unit,
        cycle_start=cycle,
        model=model,
        quantity=count,
        unit_nanos=unit,
    )


def lines_without_price(
    totals: list[tuple[Any, ...]], explained: dict[tuple[date, str], int]
) -> Iterator[Line]:
    """Yield what was estimated, corrected, or is explained by no unit price."""
    for cycle, model, kind, requests, cost, _ in totals:
        match kind:
            case "estimated":
                what = LineKind.ESTIMATED, "requests charged at the most they can cost"
            case "correction":
                what = LineKind.CORRECTION, "corrections of estimates"
            case _:
                cost -= explained[cycle, model]
                what = LineKind.OTHER, "without a unit price"
        if cost:
            line_kind, words = what
            is_other = line_kind is LineKind.OTHER
            yield Line(
                line_kind,
                f"{model}, {words}",
                cost,
                cycle_start=cycle,
                model=model,
                quantity=None if is_other else requests,
            )


def fetch(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
