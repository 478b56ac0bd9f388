"""The time zone of an organization: a form of the settings page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from orgs.access import OrgRequest, org_view
from orgs.actions import set_time_zone
from orgs.forms import TimeZoneForm
from orgs.permissions import Permission


@org_view(Permission.SET_TIME_ZONE)
@require_POST
def save_time_zone(request: OrgRequest) -> HttpResponse:
    """Show usage by another clock."""
    form = TimeZoneForm(request.POST)
    if form.is_valid():
        set_time_zone(
            organization=request.organization,
            time_zone=form.cleaned_data["time_zone"],
            acting_user=request.user,
            now=timezone.now(),
        )
        messages.success(request, f"Usage is shown by {form.zone_words} now.")
    else:
        messages.error(request, "Choose one of the time zones that are listed.")
    return redirect("billing:settings", slug=request.organization.slug)
