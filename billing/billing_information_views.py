"""The page on which owners enter billing information."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from billing.actions.funding import enter_billing_profile
from billing.billing_forms import BillingForm
from billing.queries import profile_of
from core.statuses import UNPROCESSABLE
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission


@require_safe
@org_view(Permission.CHANGE_BILLING)
def billing_information(request: OrgRequest) -> HttpResponse:
    """Show the form of billing information."""
    form = BillingForm.showing(profile_of(request.organization))
    return information_page(request, form)


def information_page(request: OrgRequest, form: BillingForm) -> HttpResponse:
    context = {"form": form, "profile": profile_of(request.organization)}
    status = UNPROCESSABLE if form.is_bound else 200
    return render(request, "billing/information.html", context, status=status)


@require_POST
@org_view(Permission.CHANGE_BILLING)
def save_billing_information(request: OrgRequest) -> HttpResponse:
    """Enter or change billing information."""
    form = BillingForm(request.POST)
    if not form.is_valid():
        return information_page(request, form)
    is_first = profile_of(request.organization) is None
    enter_billing_profile(
        organization=request.organization,
        legal_name=form.cleaned_data["legal_name"],
        details=form.details(),
        acting_user=request.user,
        now=timezone.now(),
    )
    messages.success(
        request,
        "Billing information is entered: the approved limit is open."
        if is_first and not request.organization.is_staging
        else "Billing information is changed. It applies to future invoices.",
    )
    return redirect("billing:billing", request.organization.slug)
