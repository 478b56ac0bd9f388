"""Issue invoices, write what is issued, and note that one was paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from billing import posting
from billing.actions.posting import Posting, locked_accounts, post
from billing.invoice_drafts import draft_of, range_of
from billing.invoice_mail import queue_invoice_mail
from billing.invoice_models import (
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoicePayment,
    NumberSeries,
)
from billing.invoice_queries import left_to_pay
from billing.invoicing import Bill, Line
from billing.ledger_models import TransactionKind
from billing.models import BillingProfile
from billing.payment_queries import is_being_charged
from billing.posting import Account
from orgs import audit
from orgs.models import Organization, User

# Six digits sort well and last for a million invoices; then there are seven.
NUMBER_DIGITS = 6
OWING = (
    *(Account.UNBILLED, Account.RECEIVABLE, Account.ADJUSTMENTS),
    *(Account.TAX, Account.PAYMENTS),
)


class AlreadyPaid(Exception):
    """The invoice is paid, or there is nothing to pay."""


class ChargeUnderWay(Exception):
    """A card is asked for the invoice: what comes of it is known in minutes."""


@transaction.atomic
def issue_invoice(
    *, organization: Organization, cycle_start: date, up_to: int, now: datetime
) -> Invoice | None:
    """
    Issue the invoice of a cycle that is over, and queue its mail if it is to be paid.

    None if there is nothing to tell. Locks the organization's accounts, so that
    nothing is posted meanwhile, then the series of numbers until the commit: numbers
    have no gaps. A second invoice of the cycle is refused by the database.
    """
    lock_accounts(organization)
    bill = draft_of(organization, cycle_start, up_to=up_to)
    if not bill.is_needed:
        return None
    billed = range_of(organization, cycle_start, up_to=up_to)
    invoice = write(
        InvoiceKind.INVOICE,
        organization,
        bill,
        cycle_start=cycle_start,
        issued_at=now,
        due_on=(now + timedelta(days=settings.INVOICE_DUE_DAYS)).date(),
        after_sequence=billed.after,
        up_to_sequence=billed.up_to,
        **seller(),
        **buyer(organization),
    )
    post_document(
        invoice,
        TransactionKind.INVOICE,
        posting.invoice_amounts(bill.net_nanos, bill.tax_nanos),
        now=now,
    )
    note(invoice, "invoice.issued", acting_user=None, now=now)
    if invoice.total_nanos:
        # What credit paid in full stands on the billing page; nobody has to act.
        queue_invoice_mail(invoice, now=now)
    return invoice


@transaction.atomic
def record_payment(
    *,
    invoice: Invoice,
    paid_on: date,
    reference: str,
    acting_user: User | None,
    now: datetime,
) -> InvoicePayment:
    """
    Note that an invoice was paid: all that credit notes left of it.

    :raises AlreadyPaid: if it was before, was taken back, or comes to nothing.
    :raises ChargeUnderWay: if a card is about to pay it.
    """
    lock_accounts(invoice.organization)
    refuse_while_charged(invoice)
    due_nanos = left_to_pay(invoice)
    is_open = invoice.kind == InvoiceKind.INVOICE and due_nanos > 0
    if not is_open or InvoicePayment.objects.filter(invoice=invoice).exists():
        raise AlreadyPaid
    payment = InvoicePayment.objects.create(
        organization=invoice.organization,
        invoice=invoice,
        amount_nanos=due_nanos,
        paid_on=paid_on,
        reference=reference,
        recorded_at=now,
    )
    amounts = posting.payment_amounts(due_nanos)
    post_document(invoice, TransactionKind.PAYMENT, amounts, now=now)
    note(invoice, "invoice.paid", acting_user=acting_user, now=now)
    return payment


def lock_accounts(organization: Organization) -> None:
    """Be alone with what an organization owes, until the commit."""
    locked_accounts((organization.pk, str(kind)) for kind in OWING)


def refuse_while_charged(invoice: Invoice) -> None:
    """Raise if a card is asked; under the accounts' lock nobody begins to ask."""
    if is_being_charged(invoice):
        raise ChargeUnderWay


def next_position(kind: str) -> int:
    """
    Return the next number of a series.

    Its row stays locked until the commit: others wait for it, and an invoice that
    comes to nothing leaves its number to the next.
    """
    NumberSeries.objects.get_or_create(kind=kind)
    series = NumberSeries.objects.select_for_update().get(kind=kind)
    series.last_number += 1
    series.save(update_fields=["last_number"])
    return series.last_number


def number_of(kind: str, position: int) -> str:
    is_invoice = kind == InvoiceKind.INVOICE
    prefix = (
        settings.INVOICE_NUMBER_PREFIX
        if is_invoice
        else settings.CREDIT_NOTE_NUMBER_PREFIX
    )
    return f"{prefix}{position:0{NUMBER_DIGITS}d}"


def write(
    kind: InvoiceKind, organization: Organization, bill: Bill, **facts: Any
) -> Invoice:
    """Write a document with its lines, under the next number."""
    position = next_position(kind)
    invoice = Invoice.objects.create(
        organization=organization,
        kind=kind,
        position=position,
        number=number_of(kind, position),
        line_count=len(bill.lines),
        net_nanos=bill.net_nanos,
        tax_percent=bill.tax_percent,
        tax_nanos=bill.tax_nanos,
        total_nanos=bill.total_nanos,
        carried_nanos=bill.carried_nanos,
        **facts,
    )
    write_lines(invoice, bill.lines)
    return invoice


def write_lines(invoice: Invoice, lines: Sequence[Line]) -> None:
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            organization_id=invoice.organization_id,
            invoice=invoice,
            position=position,
            kind=line.kind,
            description=line.description,
            cycle_start=line.cycle_start,
            model=line.model,
            quantity=line.quantity,
            unit_nanos=line.unit_nanos,
            exact_nanos=line.exact_nanos,
            amount_nanos=line.amount_nanos,
            transaction_id=line.transaction_id,
            takes_back_id=line.takes_back_id,
        )
        for position, line in enumerate(lines, start=1)
    )


def seller() -> dict[str, str]:
    return {
        "seller_name": settings.SELLER_NAME,
        "seller_address": "\n".join(line.strip() for line in settings.SELLER_ADDRESS),
        "seller_tax_id": settings.SELLER_TAX_ID,
    }


def buyer(organization: Organization) -> dict[str, str]:
    """Return the buyer as billing information has it now, or the name we know."""
    profile = BillingProfile.objects.filter(organization=organization).first()
    if profile is None:
        return {"buyer_name": organization.name}
    return {
        "buyer_name": profile.legal_name,
        "buyer_address": "\n".join(profile.address_lines),
        "buyer_tax_id": profile.tax_id,
        "buyer_reference": profile.reference,
    }


def post_document(
    document: Invoice,
    kind: TransactionKind,
    amounts: posting.Amounts,
    *,
    now: datetime,
) -> None:
    posted = Posting(
        organization_id=document.organization_id,
        kind=kind,
        source=f"{kind}:{document.public_id}",
        amounts=amounts,
        occurred_at=now,
        memo=document.number,
    )
    post([posted], now=now)


def note(
    document: Invoice, action: str, *, acting_user: User | None, now: datetime
) -> None:
    audit.record(
        organization=document.organization,
        actor=acting_user,
        action=action,
        target=document.public_id,
        details={
            "number": document.number,
            "total_nanos": document.total_nanos,
            "cycle": f"{document.cycle_start:%Y-%m}",
            "reason": document.reason,
        },
        now=now,
    )
