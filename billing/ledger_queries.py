"""Reads of the ledger."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet, Sum

from billing.ledger_models import LedgerTransaction, PostingWatermark, TransactionKind
from billing.posting import Account
from orgs.models import Organization

ADJUSTMENTS_SHOWN = 20


def posted_up_to() -> int:
    """Return the sequence number up to which every record is posted."""
    watermark = PostingWatermark.objects.first()
    return watermark.sequence if watermark else 0


def with_unbilled(transactions: QuerySet[LedgerTransaction]) -> QuerySet[Any]:
    """Add `unbilled_nanos`: by how much each changes what is to be invoiced."""
    is_unbilled = Q(entries__account__kind=Account.UNBILLED)
    total = Sum("entries__amount_nanos", filter=is_unbilled)
    return transactions.annotate(unbilled_nanos=total)


def adjustments_of(organization: Organization) -> QuerySet[Any]:
    """Return the last adjustments, newest first, each with the line that billed it."""
    rows = LedgerTransaction.objects.filter(
        organization=organization, kind=TransactionKind.ADJUSTMENT
    )
    related = rows.select_related("billed_by__invoice")
    return with_unbilled(related).order_by("-pk")[:ADJUSTMENTS_SHOWN]
