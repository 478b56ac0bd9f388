"""
Billing cycles, and invoices, which never change.

What becomes of an invoice (paid, credited) is rows of its own beside it. Only
`billing.actions.cycles` and `billing.actions.invoices` write here.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from billing.invoicing import LineKind
from billing.ledger_models import LedgerTransaction
from core import ids
from orgs.models import Organization


def new_invoice_id() -> str:
    return ids.public_id("inv_")


class CycleState(models.TextChoices):
    OPEN = "open", "Open"
    # Over, but something is held or not posted yet.
    CLOSING = "closing", "Closing"
    CLOSED = "closed", "Closed"


class BillingCycle(models.Model):
    """A month of an organization, from its first usage on without a gap."""

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="billing_cycles"
    )
    cycle_start = models.DateField()
    state = models.CharField(
        max_length=8, choices=CycleState.choices, default=CycleState.OPEN
    )
    closed_at = models.DateTimeField(null=True)
    # Every record of the cycle up to this one is in it; a later one is in the next.
    closed_sequence = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "cycle_start"], name="billing_cycle_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=CycleState.values),
                name="billing_cycle_state_known",
            ),
            models.CheckConstraint(
                condition=Q(
                    state="closed",
                    closed_at__isnull=False,
                    closed_sequence__isnull=False,
                )
                | (
                    ~Q(state="closed")
                    & Q(closed_at__isnull=True, closed_sequence__isnull=True)
                ),
                name="billing_cycle_closed_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cycle_start:%Y-%m} of {self.organization_id}"


class InvoiceKind(models.TextChoices):
    INVOICE = "invoice", "Invoice"
    CREDIT_NOTE = "credit_note", "Credit note"


class NumberSeries(models.Model):
    """The last number given in a series; whoever takes the next one locks the row."""

    kind = models.CharField(
        primary_key=True, max_length=12, choices=InvoiceKind.choices
    )
    last_number = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "number series"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=InvoiceKind.values), name="number_series_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.last_number}"


class Invoice(models.Model):
    """An invoice or credit note as it was issued, with all that it says."""

    public_id = models.CharField(max_length=40, unique=True, default=new_invoice_id)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="invoices"
    )
    kind = models.CharField(max_length=12, choices=InvoiceKind.choices)
    # Without gaps in its kind.
    position = models.BigIntegerField()
    number = models.CharField(max_length=40, unique=True)
    cycle_start = models.DateField()
    # A credit note names its invoice.
    credits = models.ForeignKey(
        "self", null=True, on_delete=models.RESTRICT, related_name="credit_notes"
    )
    reason = models.CharField(max_length=200, blank=True)
    issued_at = models.DateTimeField()
    due_on = models.DateField()
    seller_name = models.CharField(max_length=200)
    seller_address = models.TextField(blank=True)
    seller_tax_id = models.CharField(max_length=40, blank=True)
    buyer_name = models.CharField(max_length=200)
    buyer_address = models.TextField(blank=True)
    buyer_tax_id = models.CharField(max_length=40, blank=True)
    buyer_reference = models.CharField(max_length=120, blank=True)
    # The records that it bills: after the first number, up to the last.
    after_sequence = models.BigIntegerField(default=0)
    up_to_sequence = models.BigIntegerField(default=0)
    line_count = models.PositiveIntegerField()
    net_nanos = models.BigIntegerField()
    tax_percent = models.DecimalField(max_digits=6, decimal_places=3)
    tax_nanos = models.BigIntegerField()
    total_nanos = models.BigIntegerField()
    # Left over by rounding, or in the buyer's favor: on the next invoice.
    carried_nanos = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "position"], name="invoice_position_once"
            ),
            models.UniqueConstraint(
                fields=["organization", "cycle_start"],
                condition=Q(kind="invoice"),
                name="invoice_once_per_cycle",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=InvoiceKind.values), name="invoice_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(total_nanos=F("net_nanos") + F("tax_nanos"))
                & Q(net_nanos__gte=0)
                & Q(tax_nanos__gte=0),
                name="invoice_total_is_net_and_tax",
            ),
            models.CheckConstraint(
                condition=Q(kind="invoice", credits__isnull=True)
                | Q(kind="credit_note", credits__isnull=False),
                name="invoice_credit_note_names_invoice",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class InvoiceLineKind(models.TextChoices):
    USAGE = LineKind.USAGE, "Usage"
    ESTIMATED = LineKind.ESTIMATED, "Estimated"
    CORRECTION = LineKind.CORRECTION, "Correction"
    OTHER = LineKind.OTHER, "Other"
    CREDIT = LineKind.CREDIT, "Credit"
    ADJUSTMENT = LineKind.ADJUSTMENT, "Adjustment"
    CARRIED = LineKind.CARRIED, "Carried from before"
    CARRIED_ON = LineKind.CARRIED_ON, "Carried on"
    TAX = LineKind.TAX, "Tax"


class InvoiceLine(models.Model):
    """A line of an invoice; what it is exactly, and what it came to in whole cents."""

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=12, choices=InvoiceLineKind.choices)
    description = models.CharField(max_length=300)
    cycle_start = models.DateField(null=True)
    model = models.CharField(max_length=120, blank=True)
    quantity = models.BigIntegerField(null=True)
    unit_nanos = models.BigIntegerField(null=True)
    exact_nanos = models.BigIntegerField()
    amount_nanos = models.BigIntegerField()
    # An adjustment is billed once.
    transaction = models.OneToOneField(
        LedgerTransaction, null=True, on_delete=models.PROTECT, related_name="billed_by"
    )
    # Of a credit note: the line of the invoice that it takes back, if it is one.
    takes_back = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="taken_back_by"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["invoice", "position"], name="invoice_line_position_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=InvoiceLineKind.values),
                name="invoice_line_kind_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position} of {self.invoice_id}"


class InvoicePayment(models.Model):
    """That an invoice was paid, in full: once."""

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    invoice = models.OneToOneField(
        Invoice, on_delete=models.PROTECT, related_name="payment"
    )
    amount_nanos = models.BigIntegerField()
    paid_on = models.DateField()
    # As the bank or the payment provider calls it.
    reference = models.CharField(max_length=120, blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_nanos__gt=0), name="invoice_payment_positive"
            )
        ]

    def __str__(self) -> str:
        return f"payment of {self.invoice_id}"
