"""The billing page: billing information, credit, cycles and invoices."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.credit import ORDER_IN_WORDS
from billing.credit_queries import credit_page
from billing.cycle_queries import cycles_of
from billing.payment_queries import payment_account_of
from billing.queries import profile_of, standing_of
from billing.quota_queries import pending_request
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission


@require_safe
@org_view(Permission.SEE_BILLING)
def billing(request: OrgRequest) -> HttpResponse:
    """Show what the organization owes, and for what."""
    now = timezone.now()
    context = {
        "cycles": cycles_of(request.organization, now=now),
        "profile": profile_of(request.organization),
        "credit": credit_page(request.organization, now=now),
        "order": ORDER_IN_WORDS,
        "standing": standing_of(request.organization, now=now),
        "account": payment_account_of(request.organization),
        "takes_cards": bool(settings.STRIPE_SECRET_KEY),
        "pending": pending_request(request.organization),
    }
    return render(request, "billing/billing.html", context)
