"""The billing page: billing information, credit, cycles and invoices."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing.cycle_queries import cycles_of
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission


@require_safe
@org_view(Permission.SEE_BILLING)
def billing(request: OrgRequest) -> HttpResponse:
    """Show what the organization owes, and for what."""
    context = {"cycles": cycles_of(request.organization, now=timezone.now())}
    return render(request, "billing/billing.html", context)
