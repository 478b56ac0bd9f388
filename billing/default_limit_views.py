"""What keys and members may spend that have no limit of their own."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from billing.actions.scope_limits import set_default_limit
from billing.allocation_queries import most_used_by_default
from billing.forms import ScopeLimitForm
from billing.scope_models import Scope
from core.statuses import UNPROCESSABLE
from core.templatetags.money import usd
from orgs.access import OrgRequest, org_view
from orgs.permissions import Permission

# As they stand in sentences.
WHOSE = {Scope.KEY: "key", Scope.MEMBER: "member"}


@require_POST
@org_view(Permission.CHANGE_LIMITS)
def set_default(request: OrgRequest, scope: Scope) -> HttpResponse:
    """Set a default, if need be after a confirmation."""
    used = most_used_by_default(request.organization, scope, now=timezone.now())
    form = ScopeLimitForm(request.POST, used_nanos=used)
    if not form.is_valid():
        context = {"form": form, "scope": scope, "used_nanos": used}
        return render(
            request, "billing/default_limit.html", context, status=UNPROCESSABLE
        )
    amount = form.cleaned_data["amount"]
    text = f"Each {WHOSE[scope]} without a limit may spend {usd(amount)} per cycle."
    return changed(request, scope, amount, text)


@require_POST
@org_view(Permission.CHANGE_LIMITS)
def remove_default(request: OrgRequest, scope: Scope) -> HttpResponse:
    """Take a default away."""
    text = f"There is no default for {WHOSE[scope]}s any more."
    return changed(request, scope, None, text)


def changed(
    request: OrgRequest, scope: Scope, amount_nanos: int | None, text: str
) -> HttpResponse:
    set_default_limit(
        organization=request.organization,
        scope=scope,
        amount_nanos=amount_nanos,
        acting_user=request.user,
        now=timezone.now(),
    )
    messages.success(request, text)
    return redirect("billing:limits", request.organization.slug)
