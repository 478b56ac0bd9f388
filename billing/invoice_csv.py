"""An invoice as CSV: a line each, amounts in dollars, the total last."""

from __future__ import annotations

from collections.abc import Sequence

from billing.invoice_models import Invoice, InvoiceLine
from core.csv_text import csv_text
from core.money import exact_usd
from core.templatetags.money import cents

HEAD = (
    *("Invoice", "Cycle", "Kind", "Description", "Model"),
    *("Quantity", "Unit price (USD)", "Exact (USD)", "Amount (USD)"),
)


def invoice_csv(invoice: Invoice, lines: Sequence[InvoiceLine]) -> str:
    """Return the lines; the amounts add up to the last line's."""
    rows = [row_of(invoice, line) for line in lines]
    total = (invoice.number, "", "total", "Total", "", "", "", "")
    return csv_text([HEAD, *rows, (*total, cents(invoice.total_nanos))])


def row_of(invoice: Invoice, line: InvoiceLine) -> tuple[str, ...]:
    return (
        invoice.number,
        f"{line.cycle_start:%Y-%m}" if line.cycle_start else "",
        line.kind,
        line.description,
        line.model,
        "" if line.quantity is None else str(line.quantity),
        "" if line.unit_nanos is None else exact_usd(line.unit_nanos),
        exact_usd(line.exact_nanos),
        cents(line.amount_nanos),
    )
