"""Soft limits on the limits page: added and removed."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from billing.actions.limits import (
    SOFT_LIMITS_MAX,
    SoftLimitExists,
    TooManySoftLimits,
    add_soft_limit,
    remove_soft_limit,
)
from billing.models import SoftLimit
from billing.queries import standing_of
from billing.threshold_forms import SoftLimitForm
from billing.views import limits_page
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission


@require_POST
@org_view(Permission.CHANGE_LIMITS)
def add_soft(request: OrgRequest) -> HttpResponse:
    """Add a soft limit."""
    form = SoftLimitForm(request.POST, auto_id="id_soft_%s")
    if form.is_valid() and added(request, form):
        messages.success(
            request, "The soft limit is added. Owners get a mail when it is reached."
        )
        return redirect("billing:limits", request.organization.slug)
    standing = standing_of(request.organization, now=timezone.now())
    return limits_page(request, standing, soft_form=form)


def added(request: OrgRequest, form: SoftLimitForm) -> bool:
    """Add the form's soft limit, or say in the form why not."""
    try:
        add_soft_limit(
            organization=request.organization,
            acting_user=request.user,
            now=timezone.now(),
            **form.wish(),
        )
    except SoftLimitExists:
        form.add_error("amount", "There is a soft limit at this amount already.")
    except TooManySoftLimits:
        form.add_error(
            "amount",
            f"There are {SOFT_LIMITS_MAX} soft limits, which is the most. Remove one "
            "first.",
        )
    return form.is_valid()


@require_POST
@org_view(Permission.CHANGE_LIMITS)
def remove_soft(request: OrgRequest, alert_id: str) -> HttpResponse:
    """Remove a soft limit."""
    soft_limit = get_object_or_404(
        SoftLimit, organization=request.organization, public_id=alert_id
    )
    remove_soft_limit(
        soft_limit=soft_limit, acting_user=request.user, now=timezone.now()
    )
    messages.success(request, "The soft limit is removed.")
    return redirect("billing:limits", request.organization.slug)
