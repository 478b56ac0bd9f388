"""What is asked about cards and charges."""

from __future__ import annotations

from datetime import datetime

from billing.invoice_models import Invoice
from billing.payment_models import ChargeStage, InvoiceCharge, PaymentAccount
from orgs.models import Organization

CHARGES_AT_ONCE = 50
ACCOUNTS_AT_ONCE = 50


def payment_account_of(organization: Organization) -> PaymentAccount | None:
    return PaymentAccount.objects.filter(organization=organization).first()


def due_charges(*, now: datetime) -> list[int]:
    """Return the row ids of charges to be asked for, the longest due first."""
    stages = (ChargeStage.WAITING, ChargeStage.UNDER_WAY)
    due = InvoiceCharge.objects.filter(stage__in=stages, next_attempt_at__lte=now)
    ordered = due.order_by("next_attempt_at", "pk").values_list("pk", flat=True)
    return list(ordered[:CHARGES_AT_ONCE])


def is_being_charged(invoice: Invoice) -> bool:
    """Say whether a card is asked for an invoice just now; for under its lock."""
    charges = InvoiceCharge.objects.filter(invoice=invoice)
    return charges.filter(stage=ChargeStage.UNDER_WAY).exists()


def cards_of_deleted_organizations() -> list[PaymentAccount]:
    accounts = PaymentAccount.objects.filter(
        method_id__gt="", organization__deleted_at__isnull=False
    )
    return list(accounts.order_by("pk")[:ACCOUNTS_AT_ONCE])
