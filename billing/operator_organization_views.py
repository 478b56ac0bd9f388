"""One organization for the operator: what it spends, and what is decided about it."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from billing.actions.adjustments import NeverBilled, book_adjustment
from billing.actions.funding import decide_approved_limit
from billing.credit import ORDER_IN_WORDS
from billing.credit_forms import CreditForm
from billing.credit_queries import credit_page
from billing.funding import funding_of
from billing.ledger_queries import adjustments_of
from billing.operator_forms import AdjustmentForm, ApprovedLimitForm, SuspensionForm
from billing.quota_queries import background_of, pending_request
from core.form_ids import IdTaken, renew_id
from core.statuses import UNPROCESSABLE
from core.templatetags.money import cents, usd
from orgs.access import OperatorRequest, operator_view
from orgs.actions import reactivate_organization, suspend_organization
from orgs.locks import OrganizationGone
from orgs.models import Organization

SENT_BEFORE = (
    "This form was sent before, with something else in it, and that was done. "
    "Send it again if you mean this as well."
)


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
    request: OperatorRequest, subject: Organization, **sent: forms.Form
) -> HttpResponse:
    """Return the page; with a form in hand, by its name, the one that has errors."""
    now = timezone.now()
    funding = funding_of(subject, now=now)
    context = {
        "subject": subject,
        "background": background_of(subject, now=now),
        "pending": pending_request(subject),
        "credit": credit_page(subject, now=now),
        "order": ORDER_IN_WORDS,
        "funding": funding,
        "adjustments": adjustments_of(subject),
        "form": CreditForm(now=now),
        "limit_form": ApprovedLimitForm(
            used_nanos=0, initial=shown_limit(funding.approved_limit_nanos)
        ),
        "adjustment_form": AdjustmentForm(),
        "suspension_form": SuspensionForm(message=subject.suspended_message),
        **sent,
    }
    status = UNPROCESSABLE if sent else 200
    return render(request, "operator/organization.html", context, status=status)


def shown_limit(nanos: int | None) -> dict[str, str]:
    return {} if nanos is None else {"amount": cents(nanos)}


@require_POST
@operator_view
def set_limit(request: OperatorRequest, organization_id: str) -> HttpResponse:
    """Set the approved limit, if need be after a confirmation."""
    subject, now = found(organization_id), timezone.now()
    funding = funding_of(subject, now=now)
    used_nanos = funding.spent_nanos + funding.held_nanos
    form = ApprovedLimitForm(request.POST, used_nanos=used_nanos)
    if not form.is_valid():
        return organization_page(request, subject, limit_form=form)
    limits = decide_approved_limit(
        organization=subject,
        amount_nanos=form.cleaned_data["amount"],
        reason=form.cleaned_data["reason"],
        acting_user=request.user,
        now=now,
    )
    amount = usd(limits.approved_limit_nanos)
    messages.success(request, f"The approved limit of {subject} is {amount}.")
    return redirect("operator:organization", subject.public_id)


@require_POST
@operator_view
def adjust(request: OperatorRequest, organization_id: str) -> HttpResponse:
    """Book an adjustment of the organization's next invoice."""
    subject, form = found(organization_id), AdjustmentForm(request.POST)
    if not (form.is_valid() and adjusted(request, subject, form)):
        return organization_page(request, subject, adjustment_form=form)
    amount = usd(form.signed_nanos)
    messages.success(request, f"{amount} are on the next invoice of {subject}.")
    return redirect("operator:organization", subject.public_id)


def adjusted(
    request: OperatorRequest, subject: Organization, form: AdjustmentForm
) -> bool:
    """Book what the form says, or say in the form why not."""
    try:
        book_adjustment(
            organization=subject,
            adjustment_id=form.cleaned_data["new_id"],
            amount_nanos=form.signed_nanos,
            memo=form.cleaned_data["memo"],
            acting_user=request.user,
            now=timezone.now(),
        )
    except NeverBilled:
        form.add_error(None, "A staging organization is never billed.")
    except IdTaken:
        form.add_error(None, SENT_BEFORE)
        renew_id(form)
    return form.is_valid()


@require_POST
@operator_view
def suspend(request: OperatorRequest, organization_id: str) -> HttpResponse:
    """Refuse the organization's requests, or say anew why."""
    subject, form = found(organization_id), SuspensionForm(request.POST)
    if not form.is_valid():
        return organization_page(request, subject, suspension_form=form)
    try:
        suspend_organization(
            organization=subject,
            message=form.cleaned_data["message"],
            acting_user=request.user,
            now=timezone.now(),
        )
    except OrganizationGone as error:
        raise Http404 from error
    messages.success(request, f"{subject} is suspended. Its owners get a mail.")
    return redirect("operator:organization", subject.public_id)


@require_POST
@operator_view
def reactivate(request: OperatorRequest, organization_id: str) -> HttpResponse:
    """Answer the organization's requests again."""
    subject = found(organization_id)
    try:
        reactivate_organization(
            organization=subject, acting_user=request.user, now=timezone.now()
        )
    except OrganizationGone as error:
        raise Http404 from error
    messages.success(request, f"{subject} is not suspended any more.")
    return redirect("operator:organization", subject.public_id)
