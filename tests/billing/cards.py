"""What tests of payment by card share: a provider, an invoice, a card, events."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import stripe
from django.test import Client
from pytest_django import Settings

from billing.actions.cards import open_payment_account
from billing.invoice_models import Invoice
from billing.models import PaymentAccount
from billing.payments import payment_provider
from billing.payments.charging import charge_due_invoices
from billing.payments.seam import PaymentProvider
from orgs.models import Organization
from tests.billing.test_invoices import close, spend
from tests.factories import usd
from tests.stripe_provider import (
    PUBLISHABLE_KEY,
    SECRET_KEY,
    WEBHOOK_SECRET,
    StripeProvider,
    event_of,
    stripe_provider,
)

WEBHOOK = "/webhooks/stripe"
# When the invoice is charged for the first time.
CHARGED_AT = datetime.fromisoformat("2026-11-02T09:00:00+00:00")


@pytest.fixture
def stripe_there(settings: Settings) -> Iterator[StripeProvider]:
    """Stripe as the settings name it."""
    with stripe_provider() as running:
        settings.STRIPE_SECRET_KEY = SECRET_KEY
        settings.STRIPE_PUBLISHABLE_KEY = PUBLISHABLE_KEY
        settings.STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET
        settings.STRIPE_API_BASE = running.url
        yield running


def provider() -> PaymentProvider:
    found = payment_provider()
    assert found is not None
    return found


def account_of(acme: Organization, *, card: bool = True) -> PaymentAccount:
    """Return an organization's account, with a card that was entered long ago."""
    account = open_payment_account(
        organization=acme,
        customer_id=f"cus_of_{acme.slug}",
        now=CHARGED_AT,
    )
    if card:
        PaymentAccount.objects.filter(pk=account.pk).update(
            method_id="pm_old",
            card_as_of=CHARGED_AT - timedelta(days=90),
            brand="visa",
            last_four="4242",
            expires_month=4,
            expires_year=2030,
        )
    return account


def invoiced(acme: Organization) -> Invoice:
    """Return an open invoice of twelve dollars."""
    spend(acme, usd(12))
    close()
    return Invoice.objects.get(organization=acme)


def charge(*, after: timedelta = timedelta()) -> None:
    charge_due_invoices(provider(), now=CHARGED_AT + after)


def tell(
    name: str,
    subject: dict[str, Any],
    *,
    event_id: str = "evt_1",
    secret: str = WEBHOOK_SECRET,
    age_s: int = 0,
) -> int:
    """Send an event as Stripe does; return the answer's status."""
    payload = json.dumps(event_of(name, subject, event_id=event_id))
    signature = stripe.WebhookSignature.generate_signature_header(
        payload, secret, timestamp=int(time.time()) - age_s
    )
    # Of nobody's session, and by a client that would notice a missing CSRF token.
    answer = Client(enforce_csrf_checks=True).post(
        WEBHOOK,
        payload,
        content_type="application/json",
        headers={"Stripe-Signature": signature},
    )
    return int(answer.status_code)
