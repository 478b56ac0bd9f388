"""Payment by card: what we ask of a payment provider, and who answers."""

from __future__ import annotations

from django.conf import settings

from billing.payments.seam import PaymentProvider


def payment_provider() -> PaymentProvider | None:
    """Return the provider that the settings name; without one, invoices alone."""
    if not settings.STRIPE_SECRET_KEY:
        return None
    # Its library is large, and most installations have no use for it.
    from billing.payments.stripe_adapter import StripeAdapter

    return StripeAdapter(
        secret_key=settings.STRIPE_SECRET_KEY,
        webhook_secret=settings.STRIPE_WEBHOOK_SECRET,
        api_base=settings.STRIPE_API_BASE,
    )
