"""All charges of a billing cycle as FOCUS, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.conf import settings

from billing import invoicing
from billing.focus import COLUMNS, Bill, Charge, ChargeCategory, row_of
from billing.focus_usage import usage_charges
from billing.invoice_drafts import draft_of, range_of
from billing.invoice_models import (
    BillingCycle,
    CycleState,
    Invoice,
    InvoiceKind,
    InvoiceLine,
)
from billing.invoice_queries import lines_of
from billing.invoice_usage import Range, usage_lines
from billing.invoicing import Line, LineKind, bill_of
from billing.ledger_queries import posted_up_to
from core.csv_text import csv_text
from core.periods import cycle_interval, cycle_of
from orgs.models import Organization

OF_USAGE = (LineKind.USAGE, LineKind.ESTIMATED, LineKind.CORRECTION, LineKind.OTHER)
CATEGORIES = {LineKind.CREDIT: ChargeCategory.CREDIT, LineKind.TAX: ChargeCategory.TAX}
ROUNDING = "Rounding to whole cents, carried to the next invoice"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a cycle bills: the records, and the lines that say it in whole cents."""

    billed: Range
    lines: Sequence[Line | InvoiceLine]
    # Of a draft there is none.
    number: str = ""
    seller_name: str = ""


def focus_csv(organization: Organization, cycle_start: date) -> Iterator[str]:
    """
    Yield the charges of a cycle as CSV with a head.

    Those of a closed cycle add up to its invoice, those of an open one to its draft,
    to the nano-dollar; credit notes that were issued in it come last.
    """
    statement = statement_of(organization, cycle_start)
    bill = Bill(
        organization_id=organization.public_id,
        organization_name=organization.name,
        environment=organization.environment,
        seller_name=statement.seller_name or settings.SELLER_NAME,
        cycle_start=cycle_start,
    )
    yield csv_text([COLUMNS])
    for charges in charges_of_statement(statement):
        numbered = (replace(c, invoice_number=statement.number) for c in charges)
        yield as_csv(numbered, bill)
    for note in credit_notes_of(organization, cycle_start):
        yield as_csv(charges_of_note(note), replace(bill, seller_name=note.seller_name))


def as_csv(charges: Iterable[Charge], bill: Bill) -> str:
    rows = (row_of(charge, bill) for charge in charges)
    return csv_text([row.get(name, "") for name in COLUMNS] for row in rows)


def statement_of(organization: Organization, cycle_start: date) -> Statement:
    """Return what a cycle's invoice says, or what it would say as of the ledger."""
    invoice = Invoice.objects.filter(
        organization=organization, cycle_start=cycle_start, kind=InvoiceKind.INVOICE
    ).first()
    if invoice is not None:
        after, up_to = invoice.after_sequence, invoice.up_to_sequence
        billed = Range(organization.pk, cycle_start, after=after, up_to=up_to)
        return Statement(billed, lines_of(invoice), invoice.number, invoice.seller_name)
    cycles = BillingCycle.objects.filter(organization=organization)
    closed = cycles.filter(state=CycleState.CLOSED, cycle_start__gte=cycle_start)
    up_to = posted_up_to()
    if closed.exists():
        # Nothing in it was to be invoiced.
        return Statement(Range(organization.pk, cycle_start, after=0, up_to=0), ())
    earlier = cycles.filter(cycle_start__lt=cycle_start)
    if not earlier.exclude(state=CycleState.CLOSED).exists():
        billed = range_of(organization, cycle_start, up_to=up_to)
        lines = draft_of(organization, cycle_start, up_to=up_to).lines
        return Statement(billed, lines)
    # The draft is of an earlier cycle, with all that is not of a cycle's usage.
    billed = Range(organization.pk, cycle_start, after=up_to, up_to=up_to)
    return Statement(billed, bill_alone(billed).lines)


def bill_alone(billed: Range) -> invoicing.Bill:
    return bill_of(
        usage_lines(billed),
        carried_nanos=0,
        tax_percent=settings.INVOICE_TAX_PERCENT,
        tax_name=settings.INVOICE_TAX_NAME,
    )


def charges_of_statement(statement: Statement) -> Iterator[list[Charge]]:
    """Yield the usage, then what else makes the total out of it."""
    cost_nanos = 0
    for charges in usage_charges(statement.billed):
        cost_nanos += sum(each.billed_nanos for each in charges)
        yield charges
    billed = (line.exact_nanos for line in statement.lines if line.kind in OF_USAGE)
    assert cost_nanos == sum(billed)
    yield list(charges_besides_usage(statement.lines))


def charges_besides_usage(lines: Sequence[Line | InvoiceLine]) -> Iterator[Charge]:
    """Yield a charge for each such line, exactly, and what rounding all came to."""
    rounding = 0
    for line in lines:
        # What is carried on is no exact amount, but what was left of a negative sum.
        is_exact = line.kind != LineKind.CARRIED_ON
        rounding += line.amount_nanos - line.exact_nanos if is_exact else 0
        if line.kind not in OF_USAGE:
            nanos = line.exact_nanos if is_exact else line.amount_nanos
            yield charge_of_line(line, nanos)
    if rounding:
        yield Charge(
            category=ChargeCategory.ADJUSTMENT,
            description=ROUNDING,
            billed_nanos=rounding,
        )


def charge_of_line(line: Line | InvoiceLine, nanos: int) -> Charge:
    kind = LineKind(line.kind)
    return Charge(
        category=CATEGORIES.get(kind, ChargeCategory.ADJUSTMENT),
        description=line.description,
        billed_nanos=nanos,
    )


def credit_notes_of(organization: Organization, cycle_start: date) -> list[Invoice]:
    """Return the credit notes that were issued in a cycle."""
    interval = cycle_interval(cycle_start)
    notes = Invoice.objects.filter(
        organization=organization,
        kind=InvoiceKind.CREDIT_NOTE,
        issued_at__gte=interval.start,
        issued_at__lt=interval.end,
    )
    return list(notes.order_by("pk"))


def charges_of_note(note: Invoice) -> Iterator[Charge]:
    """Yield what a credit note takes back: of its invoice's cycle, in whole cents."""
    is_correction = note.cycle_start < cycle_of(note.issued_at)
    for line in lines_of(note):
        charge = charge_of_line(line, -line.amount_nanos)
        is_tax = charge.category is ChargeCategory.TAX
        yield replace(
            charge,
            category=ChargeCategory.TAX if is_tax else ChargeCategory.ADJUSTMENT,
            invoice_number=note.number,
            is_correction=is_correction,
            period=cycle_interval(note.cycle_start),
        )
