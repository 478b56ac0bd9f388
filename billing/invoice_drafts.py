"""What the invoice of a cycle says as of now, whether it is issued yet or not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from django.conf import settings

from billing.invoice_models import BillingCycle, CycleState, Invoice, InvoiceKind
from billing.invoice_usage import Range, usage_lines
from billing.invoicing import Bill, Line, LineKind, bill_of
from billing.ledger_models import LedgerTransaction, TransactionKind
from billing.ledger_queries import with_unbilled
from core.periods import previous_cycle
from orgs.models import Organization

# What changes the unbilled account besides usage and invoices.
BETWEEN = (
    TransactionKind.ADJUSTMENT,
    TransactionKind.EARLY_CREDIT,
    TransactionKind.REVERSAL,
)


def draft_of(organization: Organization, cycle_start: date, *, up_to: int) -> Bill:
    """Return the bill of a cycle with the records up to a sequence number."""
    lines = usage_lines(range_of(organization, cycle_start, up_to=up_to))
    lines += between_lines(organization)
    return bill_of(
        lines,
        carried_nanos=carried_to(organization, cycle_start),
        tax_percent=settings.INVOICE_TAX_PERCENT,
        tax_name=settings.INVOICE_TAX_NAME,
    )


def range_of(organization: Organization, cycle_start: date, *, up_to: int) -> Range:
    """Return what the cycle bills: late records too, since the one before closed."""
    before = BillingCycle.objects.filter(
        organization=organization,
        cycle_start=previous_cycle(cycle_start),
        state=CycleState.CLOSED,
    ).first()
    after = (before.closed_sequence or 0) if before else 0
    return Range(organization.pk, cycle_start, after=after, up_to=up_to)


def between_lines(organization: Organization) -> Iterator[Line]:
    """Yield a line for each adjustment that no invoice has billed."""
    transactions = LedgerTransaction.objects.filter(
        organization=organization, kind__in=BETWEEN, billed_by=None
    )
    sums = with_unbilled(transactions).filter(unbilled_nanos__isnull=False)
    for each in sums.order_by("pk"):
        is_credit = each.kind == TransactionKind.EARLY_CREDIT
        yield Line(
            LineKind.CREDIT if is_credit else LineKind.ADJUSTMENT,
            "Paid by credit" if is_credit else f"Adjustment: {each.memo}".strip(": "),
            each.unbilled_nanos,
            transaction_id=each.pk,
        )


def carried_to(organization: Organization, cycle_start: date) -> int:
    """Return what the last invoice before the cycle's carried on."""
    invoices = Invoice.objects.filter(
        organization=organization,
        kind=InvoiceKind.INVOICE,
        cycle_start__lt=cycle_start,
    )
    last = invoices.order_by("-cycle_start").first()
    return last.carried_nanos if last else 0
