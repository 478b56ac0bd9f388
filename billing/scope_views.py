"""Limits of keys and members, and the requests that hold money right now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Sum
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from billing.actions.scope_limits import (
    NotOfOrganization,
    set_key_limit,
    set_member_limit,
)
from billing.forms import ScopeLimitForm
from billing.scope_queries import (
    HOLDS_SHOWN,
    ScopeRow,
    holds_visible_to,
    key_amounts,
    member_amounts,
    open_holds_of,
)
from core.statuses import UNPROCESSABLE
from core.templatetags.money import usd
from keys.models import ApiKey
from orgs.access import OrgRequest, org_view
from orgs.models import User
from orgs.permissions import Permission


@require_POST
@org_view(Permission.CHANGE_LIMITS)
def set_for_key(request: OrgRequest, key_id: str) -> HttpResponse:
    """Set what a key may spend in this organization."""
    row = key_amounts(request.membership, key_id, now=timezone.now())
    key = get_object_or_404(ApiKey, public_id=key_id)
    return set_limit(request, row, set_key_limit, api_key=key)


@require_POST
@org_view(Permission.CHANGE_LIMITS)
def remove_for_key(request: OrgRequest, key_id: str) -> HttpResponse:
    """Take a key's limit away."""
    row = key_amounts(request.membership, key_id, now=timezone.now())
    key = get_object_or_404(ApiKey, public_id=key_id)
    return change(request, row, None, set_key_limit, api_key=key)


@require_POST
@org_view(Permission.CHANGE_LIMITS)
def set_for_member(request: OrgRequest, user_id: str) -> HttpResponse:
    """Set what a member may spend by all their keys."""
    row = member_amounts(request.membership, user_id, now=timezone.now())
    user = get_object_or_404(User, public_id=user_id)
    return set_limit(request, row, set_member_limit, user=user)


@require_POST
@org_view(Permission.CHANGE_LIMITS)
def remove_for_member(request: OrgRequest, user_id: str) -> HttpResponse:
    """Take a member's limit away."""
    row = member_amounts(request.membership, user_id, now=timezone.now())
    user = get_object_or_404(User, public_id=user_id)
    return change(request, row, None, set_member_limit, user=user)


def set_limit(
    request: OrgRequest, row: ScopeRow | None, action: Callable[..., None], **whose: Any
) -> HttpResponse:
    """Set the form's amount, or show the form again with what is wrong with it."""
    if row is None:
        raise Http404
    form = ScopeLimitForm(request.POST, used_nanos=row.used_nanos)
    if not form.is_valid():
        context = {"row": row, "form": form}
        return render(
            request, "billing/scope_limit.html", context, status=UNPROCESSABLE
        )
    return change(request, row, form.cleaned_data["amount"], action, **whose)


def change(
    request: OrgRequest,
    row: ScopeRow | None,
    amount_nanos: int | None,
    action: Callable[..., None],
    **whose: Any,
) -> HttpResponse:
    if row is None:
        raise Http404
    try:
        action(
            organization=request.organization,
            amount_nanos=amount_nanos,
            acting_user=request.user,
            now=timezone.now(),
            **whose,
        )
    except NotOfOrganization as error:
        # They left since the row was read.
        raise Http404 from error
    if amount_nanos is None:
        text = f"{row.name} has no limit of their own any more."
    else:
        text = f"{row.name} may spend {usd(amount_nanos)} per cycle."
    messages.success(request, text)
    return redirect("billing:limits", request.organization.slug)


@require_safe
@org_view(Permission.SEE_LIMITS)
def holds(request: OrgRequest) -> HttpResponse:
    """Show what is set aside for requests under way, and which they are."""
    found = open_holds_of(request.membership)
    held = holds_visible_to(request.membership).aggregate(
        nanos=Sum("bound_nanos", default=0)
    )
    context = {
        "holds": found,
        "held_nanos": held["nanos"],
        "holds_shown": HOLDS_SHOWN,
        "rows": [(hold, found.gateways.get(hold.gateway_id)) for hold in found.newest],
        "now": timezone.now(),
    }
    return render(request, "billing/holds.html", context)
