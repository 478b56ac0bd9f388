"""Credit that the operator grants to an organization, and voids."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from billing.actions.credit import CannotVoid, grant_credit, void_credit
from billing.credit_forms import CreditForm, VoidForm
from billing.models import CreditGrant
from billing.operator_organization_views import SENT_BEFORE, found, organization_page
from core.form_ids import IdTaken, renew_id
from core.templatetags.money import usd
from orgs.access import OperatorRequest, operator_view


@require_POST
@operator_view
def grant(request: OperatorRequest, organization_id: str) -> HttpResponse:
    """Grant credit to an organization."""
    subject, now = found(organization_id), timezone.now()
    form = CreditForm(request.POST, now=now)
    if not form.is_valid():
        return organization_page(request, subject, form=form)
    try:
        granted = grant_credit(
            organization=subject, wish=form.wish(), acting_user=request.user, now=now
        )
    except IdTaken:
        form.add_error(None, SENT_BEFORE)
        renew_id(form)
        return organization_page(request, subject, form=form)
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
