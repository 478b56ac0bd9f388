"""Reads of invoices: one with what became of it, and the draft of the next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.db.models import QuerySet

from billing.invoice_drafts import draft_of
from billing.invoice_models import (
    BillingCycle,
    CycleState,
    Invoice,
    InvoiceKind,
    InvoiceLine,
)
from billing.invoicing import Bill
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
    if invoice.kind == InvoiceKind.CREDIT_NOTE:
        state = InvoiceState.CREDIT_NOTE
    elif list(invoice.credit_notes.all()):
        state = InvoiceState.TAKEN_BACK
    elif hasattr(invoice, "payment"):
        state = InvoiceState.PAID
    elif not invoice.total_nanos:
        state = InvoiceState.NOTHING_DUE
    else:
        is_late = today > invoice.due_on
        state = InvoiceState.OVERDUE if is_late else InvoiceState.DUE
    return Standing(invoice, state)


def invoice_by_number(organization: Organization, number: str) -> Invoice | None:
    """Return an organization's invoice or credit note by its number."""
    invoices = Invoice.objects.select_related("payment", "credits", "organization")
    return invoices.filter(organization=organization, number=number).first()


def lines_of(invoice: Invoice) -> list[InvoiceLine]:
    return list(invoice.lines.order_by("position"))


def draft_for(organization: Organization, *, now: datetime) -> Draft:
    """Return the draft of the cycle that closes next."""
    cycles = BillingCycle.objects.filter(organization=organization)
    waiting = cycles.exclude(state=CycleState.CLOSED).order_by("cycle_start").first()
    cycle_start = waiting.cycle_start if waiting else cycle_of(now)
    return Draft(cycle_start, draft_of(organization, cycle_start, up_to=posted_up_to()))


def open_invoices() -> QuerySet[Invoice]:
    """Return what is to be paid still, the one due first, for the operator."""
    invoices = Invoice.objects.filter(
        kind=InvoiceKind.INVOICE, total_nanos__gt=0, payment=None, credit_notes=None
    )
    related = invoices.select_related("organization", "payment")
    return related.prefetch_related("credit_notes").order_by("due_on", "pk")
