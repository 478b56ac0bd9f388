"""
The ledger: double entry in nano-dollars, append-only.

A transaction's entries sum to zero and its debits to its amount, which the database
looks at when it commits; so nothing can be added to it later. Only
`billing.actions.posting` writes here.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from billing.posting import Account
from core import ids
from orgs.models import Organization


def new_transaction_id() -> str:
    return ids.public_id("txn_")


class AccountKind(models.TextChoices):
    """The accounts of an organization; see `billing.posting.Account`."""

    USAGE = Account.USAGE, "Usage"
    CREDIT_LIABILITY = Account.CREDIT_LIABILITY, "Credit left"
    CREDIT_GIVEN = Account.CREDIT_GIVEN, "Credit given"
    BREAKAGE = Account.BREAKAGE, "Expired credit"
    UNBILLED = Account.UNBILLED, "Not invoiced yet"
    RECEIVABLE = Account.RECEIVABLE, "Invoiced, not paid"
    PAYMENTS = Account.PAYMENTS, "Payments"
    ADJUSTMENTS = Account.ADJUSTMENTS, "Adjustments"
    TAX = Account.TAX, "Tax"
    SIMULATED_USAGE = Account.SIMULATED_USAGE, "Simulated usage"
    SIMULATED = Account.SIMULATED, "Simulated, never owed"


class TransactionKind(models.TextChoices):
    USAGE = "usage", "Usage"
    SIMULATED_USAGE = "simulated_usage", "Simulated usage"
    EARLY_CREDIT = "early_credit", "Credit that paid earlier usage"
    CREDIT_GRANTED = "credit_granted", "Credit granted"
    CREDIT_VOIDED = "credit_voided", "Credit voided"
    CREDIT_EXPIRED = "credit_expired", "Credit expired"
    INVOICE = "invoice", "Invoice"
    CREDIT_NOTE = "credit_note", "Credit note"
    PAYMENT = "payment", "Payment"
    ADJUSTMENT = "adjustment", "Adjustment"
    REVERSAL = "reversal", "Reversal"


class LedgerAccount(models.Model):
    """An account of an organization, and the sum of its entries."""

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="ledger_accounts"
    )
    kind = models.CharField(max_length=20, choices=AccountKind.choices)
    # Changed with the entries, in their transaction; debits are positive.
    balance_nanos = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "kind"], name="ledger_account_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=AccountKind.values),
                name="ledger_account_kind_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.organization_id}"


class LedgerTransaction(models.Model):
    """A fact of money, posted once: its source says which one."""

    public_id = models.CharField(max_length=40, unique=True, default=new_transaction_id)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="ledger_transactions"
    )
    kind = models.CharField(max_length=20, choices=TransactionKind.choices)
    # What it was posted from, such as `credit_granted:17`: there is one of each.
    source = models.CharField(max_length=120, unique=True)
    # Of usage: the billing cycle of the records.
    cycle_start = models.DateField(null=True)
    # The sum of its debits.
    amount_nanos = models.BigIntegerField()
    occurred_at = models.DateTimeField()
    posted_at = models.DateTimeField()
    # A correction names what it takes back; that can happen once.
    reverses = models.OneToOneField(
        "self", null=True, on_delete=models.RESTRICT, related_name="reversed_by"
    )
    memo = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=TransactionKind.values),
                name="ledger_transaction_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(amount_nanos__gt=0), name="ledger_transaction_positive"
            ),
            models.CheckConstraint(
                condition=Q(kind="reversal", reverses__isnull=False)
                | (~Q(kind="reversal") & Q(reverses__isnull=True)),
                name="ledger_reversal_names_transaction",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "-posted_at"], name="ledger_by_organization"
            )
        ]

    def __str__(self) -> str:
        return self.source


class LedgerEntry(models.Model):
    """What a transaction changes in one account: a debit, or a credit if negative."""

    # Beside the transaction's, so that every row says whose it is.
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    transaction = models.ForeignKey(
        LedgerTransaction, on_delete=models.PROTECT, related_name="entries"
    )
    account = models.ForeignKey(
        LedgerAccount, on_delete=models.PROTECT, related_name="entries"
    )
    amount_nanos = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(
                fields=["transaction", "account"], name="ledger_entry_once_per_account"
            ),
            models.CheckConstraint(
                condition=~Q(amount_nanos=0), name="ledger_entry_not_zero"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_nanos} to {self.account_id}"


class PostingWatermark(models.Model):
    """How far usage is posted: every record up to `sequence` is. One row."""

    sequence = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="posting_watermark_single")
        ]

    def __str__(self) -> str:
        return str(self.sequence)
