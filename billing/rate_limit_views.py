"""Rate limits on the limits page: set, changed, removed."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from billing.actions.rate_limits import (
    TooManyRateLimits,
    remove_rate_limit,
    set_rate_limit,
)
from billing.models import RateLimit
from billing.queries import standing_of
from billing.rate_limit_forms import RateLimitForm
from billing.rate_limit_list import limitable_keys
from billing.rate_limits import RATE_LIMITS_MAX
from billing.views import limits_page
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission


@require_POST
@org_view(Permission.CHANGE_LIMITS)
def set_rate(request: OrgRequest) -> HttpResponse:
    """Set a rate limit; the one of the same key and model changes."""
    now = timezone.now()
    keys = limitable_keys(request.organization, now=now)
    form = RateLimitForm(request.POST, keys=keys)
    if form.is_valid() and was_set(request, form):
        messages.success(request, "The rate limit is set and in force.")
        return redirect(limits_address(request))
    standing = standing_of(request.organization, now=now)
    return limits_page(request, standing, rate_form=form)


def was_set(request: OrgRequest, form: RateLimitForm) -> bool:
    """Set the form's rate limit, or say in the form why not."""
    try:
        set_rate_limit(
            organization=request.organization,
            acting_user=request.user,
            now=timezone.now(),
            **form.cleaned_data,
        )
    except TooManyRateLimits:
        form.add_error(
            None,
            f"There are {RATE_LIMITS_MAX} rate limits, which is the most. Remove one "
            "first.",
        )
    return form.is_valid()


@require_POST
@org_view(Permission.CHANGE_LIMITS)
def remove_rate(request: OrgRequest, rate_id: str) -> HttpResponse:
    """Remove a rate limit."""
    rate_limit = get_object_or_404(
        RateLimit.objects.select_related("organization", "api_key"),
        organization=request.organization,
        public_id=rate_id,
    )
    remove_rate_limit(
        rate_limit=rate_limit, acting_user=request.user, now=timezone.now()
    )
    messages.success(request, "The rate limit is removed.")
    return redirect(limits_address(request))


def limits_address(request: OrgRequest) -> str:
    return f"/o/{request.organization.slug}/limits#rates"
