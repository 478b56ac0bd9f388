"""One organization for the operator: what it spends, and the credit given to it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from billing.actions.credit import CannotVoid, grant_credit, void_credit
from billing.credit import ORDER_IN_WORDS
from billing.credit_forms import CreditForm, VoidForm
from billing.credit_queries import credit_page
from billing.models import CreditGrant
from billing.quota_queries import background_of, pending_request
from core.templatetags.money import usd
from orgs.access import OperatorRequest, operator_view
from orgs.models import Organization

UNPROCESSABLE = 422


@require_safe
@operator_view
def organization(request: OperatorRequest, organization_id: str) -> HttpResponse:
    """Show an organization's spend, limits, requests and credit."""
    return organization_page(request, found(organization_id))


def found(organization_id: str) -> Organization:
    return get_object_or_404(
        Organization, public_id=organization_id, deleted_at__isnull=True
    )


def organization_page(
    request: OperatorRequest, subject: Organization, form: CreditForm | None = None
) -> HttpResponse:
    """Return the page; with a form in hand, the one that has errors."""
    now = timezone.now()
    context = {
        "subject": subject,
        "background": background_of(subject, now=now),
        "pending": pending_request(subject),
        "credit": credit_page(subject, now=now),
        "order": ORDER_IN_WORDS,
        "form": form or CreditForm(now=now),
    }
    status = UNPROCESSABLE if form else 200
    return render(request, "operator/organization.html", context, status=status)


@require_POST
@operator_view
def grant(request: OperatorRequest, organization_id: str) -> HttpResponse:
    """Grant credit to an organization."""
    subject, now = found(organization_id), timezone.now()
    form = CreditForm(request.POST, now=now)
    if not form.is_valid():
        return organization_page(request, subject, form)
    granted = grant_credit(
        organization=subject, wish=form.wish(), acting_user=request.user, now=now
    )
    messages.success(
        request, f"{subject} has a credit of {usd(granted.amount_nanos)} more."
    )
    return redirect("operator:organization", subject.public_id)


@require_POST
@operator_view
def void(request: OperatorRequest, credit_id: str) -> HttpResponse:
    """Void a credit grant, saying why."""
    credit = get_object_or_404(
        CreditGrant.objects.select_related("organization"), public_id=credit_id
    )
    form = VoidForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say why the credit is voided.")
        return redirect("operator:organization", credit.organization.public_id)
    try:
        void_credit(
            grant=credit,
            reason=form.cleaned_data["reason"],
            acting_user=request.user,
            now=timezone.now(),
        )
    except CannotVoid:
        messages.error(request, "The credit has ended already, or is used up.")
    else:
        messages.success(request, f"“{credit.name}” is voided: it pays nothing new.")
    return redirect("operator:organization", credit.organization.public_id)
