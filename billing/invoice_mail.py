"""The mail that an invoice was issued."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from billing.invoice_models import Invoice
from billing.models import BillingProfile
from core.money import cents_usd
from orgs.mail import queue_mail
from orgs.queries import addresses_of_owners


def queue_invoice_mail(invoice: Invoice, *, now: datetime) -> None:
    """Queue one mail for each billing address, or for each owner if there is none."""
    organization = invoice.organization
    profile = BillingProfile.objects.filter(organization=organization).first()
    addresses = profile.billing_emails if profile else []
    queue_mail(
        kind="invoice",
        recipients=addresses or addresses_of_owners(organization),
        subject=(
            f"[{organization.full_name}] Invoice {invoice.number} of "
            f"{invoice.cycle_start:%B %Y}: ${cents_usd(invoice.total_nanos)}"
        ),
        template="invoice",
        context={
            "invoice": invoice,
            "invoice_url": (
                f"{settings.BASE_URL}/o/{organization.slug}/billing/invoices/"
                f"{invoice.number}"
            ),
        },
        dedupe_key=f"invoice:{invoice.public_id}",
        organization=organization,
        now=now,
    )
