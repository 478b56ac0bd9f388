"""The mails that an invoice or a credit note was issued."""

from __future__ import annotations

from datetime import datetime

from billing.alert_mail import page_url
from billing.invoice_models import Invoice
from billing.models import BillingProfile
from core.money import cents_usd
from orgs.mail import queue_mail
from orgs.models import Organization
from orgs.queries import addresses_of_owners


def queue_invoice_mail(invoice: Invoice, *, now: datetime) -> None:
    """Queue one mail for each billing address, or for each owner if there is none."""
    organization = invoice.organization
    queue_mail(
        kind="invoice",
        recipients=billing_addresses(organization),
        subject=(
            f"[{organization.full_name}] Invoice {invoice.number} of "
            f"{invoice.cycle_start:%B %Y}: ${cents_usd(invoice.total_nanos)}"
        ),
        template="invoice",
        context={
            "invoice": invoice,
            "invoice_url": invoice_url(invoice),
        },
        dedupe_key=f"invoice:{invoice.public_id}",
        organization=organization,
        now=now,
        thread=invoice.public_id,
    )


def queue_credit_note_mail(credit_note: Invoice, *, now: datetime) -> None:
    """Queue a mail to each address that the invoice's went to."""
    organization, invoice = credit_note.organization, credit_note.credits
    assert invoice is not None, "by constraint"
    queue_mail(
        kind="credit_note",
        recipients=billing_addresses(organization),
        subject=(
            f"[{organization.full_name}] Credit note {credit_note.number} on invoice "
            f"{invoice.number}: ${cents_usd(credit_note.total_nanos)}"
        ),
        template="credit_note",
        context={
            "credit_note": credit_note,
            "invoice": invoice,
            "credit_note_url": invoice_url(credit_note),
        },
        dedupe_key=f"credit_note:{credit_note.public_id}",
        organization=organization,
        now=now,
        thread=invoice.public_id,
    )


def billing_addresses(organization: Organization) -> list[str]:
    """Return the billing addresses, or the owners' if there are none."""
    profile = BillingProfile.objects.filter(organization=organization).first()
    addresses = profile.billing_emails if profile else []
    return addresses or addresses_of_owners(organization)


def invoice_url(invoice: Invoice) -> str:
    return page_url(invoice.organization, f"billing/invoices/{invoice.number}")
