"""Reads of invoices: one with what became of it, and the draft of the next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from billing.invoice_drafts import draft_of
from billing.invoice_models import (
    BillingCycle,
    CycleState,
    Invoice,
    InvoiceKind,
    InvoiceLine,
)
from billing.invoicing import Bill, LineKind, Sums
from billing.ledger_queries import posted_up_to
from core.periods import cycle_of
from orgs.models import Organization


class InvoiceState(StrEnum):
    DUE = "Due"
    OVERDUE = "Overdue"
    PAID = "Paid"
    NOTHING_DUE = "Nothing due"
    TAKEN_BACK = "Taken back"
    CREDIT_NOTE = "Credit note"


@dataclass(frozen=True, slots=True)
class Standing:
    """An invoice and what became of it."""

    invoice: Invoice
    state: InvoiceState
    # By its credit notes, together.
    taken_back: Sums

    @property
    def left(self) -> Sums:
        """What credit notes left of it."""
        whole = Sums(self.invoice.net_nanos, self.invoice.tax_nanos)
        return whole.less(self.taken_back)

    @property
    def can_be_taken_back(self) -> bool:
        is_invoice = self.invoice.kind == InvoiceKind.INVOICE
        return is_invoice and self.state is not InvoiceState.TAKEN_BACK

    @property
    def is_open(self) -> bool:
        return self.state in (InvoiceState.DUE, InvoiceState.OVERDUE)


@dataclass(frozen=True, slots=True)
class Draft:
    """What the invoice of a cycle would say, as of the ledger."""

    cycle_start: date
    bill: Bill


def standing_of(invoice: Invoice, *, today: date) -> Standing:
    """Return what became of an invoice until a day (in UTC)."""
    notes = list(invoice.credit_notes.all())
    credited = taken_back(notes)
    if invoice.kind == InvoiceKind.CREDIT_NOTE:
        state = InvoiceState.CREDIT_NOTE
    elif notes and credited.net_nanos == invoice.net_nanos:
        state = InvoiceState.TAKEN_BACK
    elif hasattr(invoice, "payment"):
        state = InvoiceState.PAID
    elif not invoice.total_nanos:
        state = InvoiceState.NOTHING_DUE
    else:
        is_late = today > invoice.due_on
        state = InvoiceState.OVERDUE if is_late else InvoiceState.DUE
    return Standing(invoice, state, credited)


def taken_back(notes: Iterable[Invoice]) -> Sums:
    """Return what credit notes of an invoice come to, together."""
    rows = list(notes)
    return Sums(sum(row.net_nanos for row in rows), sum(row.tax_nanos for row in rows))


def left_to_pay(invoice: Invoice) -> int:
    """Return what credit notes left of an invoice, in nanos, paid or not."""
    notes = Invoice.objects.filter(credits=invoice)
    return invoice.total_nanos - taken_back(notes).total_nanos


def invoice_by_number(organization: Organization, number: str) -> Invoice | None:
    """Return an organization's invoice or credit note by its number."""
    invoices = Invoice.objects.select_related("payment", "credits", "organization")
    return invoices.filter(organization=organization, number=number).first()


def lines_of(invoice: Invoice) -> list[InvoiceLine]:
    return list(invoice.lines.order_by("position"))


def lines_to_take_back(invoice: Invoice) -> QuerySet[InvoiceLine]:
    """Return the lines that were charged, tax apart: each may be taken back alone."""
    charged = invoice.lines.filter(amount_nanos__gt=0)
    return charged.exclude(
        kind__in=(LineKind.TAX, LineKind.CARRIED, LineKind.CARRIED_ON)
    ).order_by("position")


def draft_for(organization: Organization, *, now: datetime) -> Draft:
    """Return the draft of the cycle that closes next."""
    cycles = BillingCycle.objects.filter(organization=organization)
    waiting = cycles.exclude(state=CycleState.CLOSED).order_by("cycle_start").first()
    cycle_start = waiting.cycle_start if waiting else cycle_of(now)
    return Draft(cycle_start, draft_of(organization, cycle_start, up_to=posted_up_to()))


def open_invoices() -> QuerySet[Invoice]:
    """Return what is to be paid still, the one due first, for the operator."""
    credited = Invoice.objects.filter(credits=OuterRef("pk")).values("credits")
    total = credited.annotate(nanos=Sum("total_nanos")).values("nanos")
    invoices = Invoice.objects.filter(
        kind=InvoiceKind.INVOICE,
        payment=None,
        total_nanos__gt=Coalesce(Subquery(total), 0),
    )
    related = invoices.select_related("organization", "payment")
    return related.prefetch_related("credit_notes").order_by("due_on", "pk")
