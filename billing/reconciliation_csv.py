"""A comparison with the provider's bill as CSV: a line for each day and model."""

from __future__ import annotations

from collections.abc import Iterable

from billing.reconciliation_models import ReconciliationRow
from billing.reconciling_words import explanation
from core.csv_text import csv_text
from core.money import exact_usd

HEAD = (
    *("Day (UTC)", "Model", "Verdict", "Ours (USD)", "Theirs (USD)"),
    *("Difference (USD)", "Our requests", "Their requests", "Our tokens"),
    *("Their tokens", "Provisional", "Line items", "Explanation"),
)


def reconciliation_csv(rows: Iterable[ReconciliationRow]) -> str:
    return csv_text([HEAD, *(line_of(row) for row in rows)])


def line_of(row: ReconciliationRow) -> tuple[str, ...]:
    return (
        f"{row.day:%Y-%m-%d}",
        row.model,
        row.get_verdict_display(),
        amount(row.ours_nanos),
        amount(row.theirs_nanos),
        amount(row.difference_nanos),
        str(row.ours_requests),
        "" if row.theirs_requests is None else str(row.theirs_requests),
        str(row.ours_tokens),
        "" if row.theirs_tokens is None else str(row.theirs_tokens),
        "yes" if row.is_provisional else "no",
        "; ".join(row.line_items),
        explanation(row),
    )


def amount(nanos: int | None) -> str:
    return "" if nanos is None else exact_usd(nanos)
