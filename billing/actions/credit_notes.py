"""Take invoices back, whole or in parts, by credit notes that never exceed them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from billing import posting
from billing.actions.invoices import (
    lock_accounts,
    note,
    post_document,
    refuse_while_charged,
    write,
)
from billing.invoice_mail import queue_credit_note_mail
from billing.invoice_models import Invoice, InvoiceKind, InvoiceLine, new_invoice_id
from billing.invoice_queries import taken_back
from billing.invoicing import (
    Bill,
    Line,
    LineKind,
    Sums,
    credit_bill,
    tax_taken_back,
)
from billing.ledger_models import TransactionKind
from core.form_ids import IdTaken
from core.money import NANOS_PER_CENT
from orgs.models import User

# What a credit note says as its invoice does.
KEPT = (
    *("cycle_start", "seller_name", "seller_address", "seller_tax_id"),
    *("buyer_name", "buyer_address", "buyer_tax_id", "buyer_reference"),
)


class AlreadyCredited(Exception):
    """Nothing is left of the invoice, or it is a credit note."""


class MoreThanLeft(Exception):
    """So much is not left of the invoice, or of the line."""

    def __init__(self, left_nanos: int) -> None:
        super().__init__(left_nanos)
        self.left_nanos = left_nanos


@dataclass(frozen=True, slots=True)
class Part:
    """What of an invoice is taken back: an amount before tax, perhaps of one line."""

    # None: all that is left of the line.
    amount_nanos: int | None
    line: InvoiceLine | None = None


@transaction.atomic
def issue_credit_note(
    *,
    invoice: Invoice,
    reason: str,
    acting_user: User | None,
    now: datetime,
    part: Part | None = None,
    public_id: str | None = None,
) -> Invoice:
    """
    Take back a part of an invoice, or all that is left of it; its owners are told.

    Locks the organization's accounts first, so that however many do so at once, all
    credit notes together never exceed the invoice. Tax goes in proportion, and the
    last part takes what rounding left. A note under an id that is there already is
    returned as it is.

    :raises AlreadyCredited: if nothing is left, or if this is a credit note.
    :raises MoreThanLeft: if the part is more than what is left.
    :raises IdTaken: if the id is of something else.
    :raises ChargeUnderWay: if a card is about to pay the invoice.
    """
    lock_accounts(invoice.organization)
    before = Invoice.objects.filter(public_id=public_id or "").first()
    if before is not None:
        return sent_before(before, invoice, reason, part)
    refuse_while_charged(invoice)
    if invoice.kind != InvoiceKind.INVOICE:
        raise AlreadyCredited
    bill = bill_of_part(invoice, part, reason)
    credit_note = write(
        InvoiceKind.CREDIT_NOTE,
        invoice.organization,
        bill,
        public_id=public_id or new_invoice_id(),
        credits=invoice,
        reason=reason,
        issued_at=now,
        due_on=now.date(),
        **{name: getattr(invoice, name) for name in KEPT},
    )
    amounts = posting.credit_note_amounts(bill.net_nanos, bill.tax_nanos)
    post_document(credit_note, TransactionKind.CREDIT_NOTE, amounts, now=now)
    note(credit_note, "invoice.credited", acting_user=acting_user, now=now)
    queue_credit_note_mail(credit_note, now=now)
    return credit_note


def sent_before(
    found: Invoice, invoice: Invoice, reason: str, part: Part | None
) -> Invoice:
    """Return the note that the same form made; :raises IdTaken: if another did."""
    is_same = found.credits_id == invoice.pk and found.reason == reason
    if part is not None and part.amount_nanos is not None:
        is_same = is_same and found.net_nanos == part.amount_nanos
    if not is_same:
        raise IdTaken
    return found


def bill_of_part(invoice: Invoice, part: Part | None, reason: str) -> Bill:
    """Return what the credit note of a part says; the accounts must be locked."""
    notes = Invoice.objects.filter(credits=invoice)
    whole, before = sums_of(invoice), taken_back(notes)
    left = whole.less(before)
    if notes.exists() and left.net_nanos == 0:
        raise AlreadyCredited
    nanos = left.net_nanos if part is None else amount_of(part, left)
    is_whole = not notes.exists() and nanos == left.net_nanos
    tax = invoice.lines.filter(kind=LineKind.TAX).first()
    return credit_bill(
        Line(
            LineKind.ADJUSTMENT,
            words_for(invoice, part, reason, is_whole=is_whole)[:300],
            nanos,
            nanos,
            takes_back_id=part.line.pk if part and part.line else None,
        ),
        tax=tax_taken_back(nanos, invoice=whole, before=before),
        tax_percent=invoice.tax_percent,
        tax_text=tax.description if tax else settings.INVOICE_TAX_NAME,
    )


def sums_of(invoice: Invoice) -> Sums:
    return Sums(invoice.net_nanos, invoice.tax_nanos)


def amount_of(part: Part, left: Sums) -> int:
    """Return how much a part is, before tax. :raises MoreThanLeft: if that is not."""
    room = left.net_nanos
    if part.line is not None:
        room = min(room, left_of_line(part.line))
    nanos = room if part.amount_nanos is None else part.amount_nanos
    if not 0 < nanos <= room:
        raise MoreThanLeft(room)
    assert nanos % NANOS_PER_CENT == 0
    return nanos


def left_of_line(line: InvoiceLine) -> int:
    """Return what credit notes have not taken back of a line, before tax."""
    notes = line.taken_back_by.values_list("amount_nanos", flat=True)
    return max(line.amount_nanos - sum(notes), 0)


def words_for(
    invoice: Invoice, part: Part | None, reason: str, *, is_whole: bool
) -> str:
    if part is not None and part.line is not None:
        what = f"Line {part.line.position} of invoice {invoice.number}"
        return f"{what}, {part.line.description}, taken back: {reason}"
    what = "Invoice" if is_whole else "Part of invoice"
    return f"{what} {invoice.number} taken back: {reason}"
