"""
What an invoice says: lines, rounding, tax, and what is carried on. Pure.

Each line is known exactly, in nano-dollars, and is rounded once, to cents. What
rounding left over is carried to the next invoice, where it is a line of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from core.money import NANOS_PER_CENT


class LineKind(StrEnum):
    USAGE = "usage"
    ESTIMATED = "estimated"
    CORRECTION = "correction"
    # What no unit price says.
    OTHER = "other"
    CREDIT = "credit"
    ADJUSTMENT = "adjustment"
    # What rounding, or an amount in the buyer's favor, left over from before.
    CARRIED = "carried"
    # An amount in the buyer's favor that goes on to the next invoice.
    CARRIED_ON = "carried_on"
    TAX = "tax"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an invoice to be; `amount_nanos` is whole cents."""

    kind: LineKind
    description: str
    exact_nanos: int
    amount_nanos: int = 0
    # Of usage: which cycle's, what, how much of it, and at which price.
    cycle_start: date | None = None
    model: str = ""
    quantity: int | None = None
    unit_nanos: int | None = None
    # The ledger transaction that it bills, if it bills one.
    transaction_id: int | None = None
    # Of a credit note: the line of its invoice that it takes back, if it is one.
    takes_back_id: int | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """Lines that add up: net and tax to the total, exactly what is carried to it."""

    lines: tuple[Line, ...]
    net_nanos: int
    tax_percent: Decimal
    tax_nanos: int
    carried_nanos: int

    @property
    def total_nanos(self) -> int:
        return self.net_nanos + self.tax_nanos

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to tell, besides what is carried on."""
        return any(line.kind is not LineKind.CARRIED for line in self.lines)


def whole_cents(nanos: int) -> int:
    """Round to cents, halves to the even one, as amounts on pages are."""
    cents, rest = divmod(nanos, NANOS_PER_CENT)
    is_up = rest * 2 > NANOS_PER_CENT or (rest * 2 == NANOS_PER_CENT and cents % 2 == 1)
    return (cents + is_up) * NANOS_PER_CENT


def bill_of(
    lines: Iterable[Line],
    *,
    carried_nanos: int,
    tax_percent: Decimal = Decimal(0),
    tax_name: str = "Tax",
) -> Bill:
    """
    Return the bill of exact lines, with what was carried from before as a line.

    A bill is never below zero: what it would be is carried on, which a line says.
    """
    exact = list(lines)
    if carried_nanos:
        exact.append(Line(LineKind.CARRIED, "Carried from before", carried_nanos))
    rounded = [
        replace(line, amount_nanos=whole_cents(line.exact_nanos)) for line in exact
    ]
    net = sum(line.amount_nanos for line in rounded)
    if net < 0:
        text = "In your favor, carried to the next invoice"
        rounded.append(Line(LineKind.CARRIED_ON, text, 0, -net))
        net = 0
    carried = sum(line.exact_nanos - line.amount_nanos for line in rounded)
    tax = tax_on(net, tax_percent)
    if tax_percent:
        text = f"{tax_name}, {tax_percent.normalize():f} %"
        rounded.append(Line(LineKind.TAX, text, tax, tax))
    return Bill(tuple(rounded), net, tax_percent, tax, carried)


def tax_on(net_nanos: int, percent: Decimal) -> int:
    """Return the tax in nano-dollars: rounded once, to cents, halves up."""
    cents = Decimal(net_nanos // NANOS_PER_CENT) * percent / 100
    return int(cents.quantize(Decimal(1), rounding=ROUND_HALF_UP)) * NANOS_PER_CENT


@dataclass(frozen=True, slots=True)
class Sums:
    """Net and tax of an invoice, or of what was taken back of it, in nano-dollars."""

    net_nanos: int = 0
    tax_nanos: int = 0

    @property
    def total_nanos(self) -> int:
        return self.net_nanos + self.tax_nanos

    def less(self, other: Sums) -> Sums:
        return Sums(self.net_nanos - other.net_nanos, self.tax_nanos - other.tax_nanos)


def tax_taken_back(net_nanos: int, *, invoice: Sums, before: Sums) -> int:
    """
    Return the tax on a part of an invoice that is taken back, after parts `before`.

    In proportion, in whole cents, and of the sum of all parts: so the last part takes
    what rounding left, and all of them together are the invoice's tax.
    """
    assert 0 <= net_nanos <= invoice.net_nanos - before.net_nanos
    if invoice.net_nanos == 0:
        return invoice.tax_nanos - before.tax_nanos
    net_so_far = before.net_nanos + net_nanos
    cents = invoice.tax_nanos // NANOS_PER_CENT
    # Halves up, as tax is.
    so_far = (2 * cents * net_so_far + invoice.net_nanos) // (2 * invoice.net_nanos)
    return so_far * NANOS_PER_CENT - before.tax_nanos


def credit_bill(line: Line, *, tax: int, tax_percent: Decimal, tax_text: str) -> Bill:
    """Return what a credit note says: one line of whole cents, and the tax on it."""
    assert line.exact_nanos == line.amount_nanos == whole_cents(line.exact_nanos)
    lines = [line]
    if tax_percent:
        lines.append(Line(LineKind.TAX, tax_text, tax, tax))
    return Bill(tuple(lines), line.amount_nanos, tax_percent, tax, 0)


def exact_sum(lines: Sequence[Line]) -> int:
    """Return what the lines are exactly, without tax."""
    return sum(line.exact_nanos for line in lines if line.kind is not LineKind.TAX)
