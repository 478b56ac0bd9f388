"""Mails about payment by card: declined, and what the operator has to look at."""

from __future__ import annotations

from datetime import datetime

from billing.alert_mail import page_url
from billing.models import BillingProfile
from billing.payment_models import ChargeStage, InvoiceCharge, PaymentEvent
from orgs.mail import queue_mail
from orgs.queries import addresses_of_operators, addresses_of_owners


def queue_declined_mail(charge: InvoiceCharge, *, now: datetime) -> None:
    """Tell owners and billing addresses why an invoice was not paid, and what next."""
    invoice, organization = charge.invoice, charge.invoice.organization
    profile = BillingProfile.objects.filter(organization=organization).first()
    billing_emails = profile.billing_emails if profile else []
    queue_mail(
        kind="payment_declined",
        recipients=[*addresses_of_owners(organization), *billing_emails],
        subject=(
            f"[{organization.full_name}] The card did not pay invoice {invoice.number}"
        ),
        template="payment_declined",
        context={
            "charge": charge,
            "invoice": invoice,
            "is_given_up": charge.stage == ChargeStage.GIVEN_UP,
            "page_url": page_url(organization, "billing/card"),
        },
        dedupe_key=f"declined:{invoice.public_id}:{now:%Y-%m-%dT%H:%M:%S.%f}",
        organization=organization,
        now=now,
        thread=invoice.public_id,
    )


def queue_noted_mail(event: PaymentEvent, *, now: datetime) -> None:
    """Tell the operators of an event that somebody has to look at."""
    organization = event.organization
    assert organization is not None, "what is nobody's is ignored"
    queue_mail(
        kind="payment_noted",
        recipients=addresses_of_operators(),
        subject=(f"[{organization.full_name}] A payment needs a look"),
        template="payment_noted",
        context={"event": event},
        dedupe_key=f"payment_event:{event.event_id}",
        organization=organization,
        now=now,
    )
