"""What an organization asks of its members' log-in: the form of the settings page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from orgs.access import OrgRequest, org_view
from orgs.actions import NoSecondFactor, require_two_factor
from orgs.permissions import Permission

NO_FACTOR = (
    "Set up two-factor authentication of your own first; "
    "otherwise you would lock yourself out."
)
ON = "Members need two-factor authentication now. API keys are not affected."
OFF = "Members may log in with their password alone again."


@org_view(Permission.CHANGE_SECURITY)
@require_POST
def set_two_factor(request: OrgRequest) -> HttpResponse:
    """Require a second factor of members, or stop."""
    is_required = request.POST.get("is_required") == "on"
    try:
        require_two_factor(
            organization=request.organization,
            is_required=is_required,
            acting_user=request.user,
            now=timezone.now(),
        )
    except NoSecondFactor:
        messages.error(request, NO_FACTOR)
    else:
        messages.success(request, ON if is_required else OFF)
    return redirect("billing:settings", slug=request.organization.slug)
