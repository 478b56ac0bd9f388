"""The organization's settings: who it is, and how the gateway treats its requests."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from billing.actions.gateway_settings import set_gateway_settings
from billing.actions.organizations import debt_of
from billing.forms import CACHE_TIMES, GatewaySettingsForm
from billing.organization_forms import DeleteForm, PairForm, RenameForm
from billing.queries import gateway_settings_of
from core.statuses import UNPROCESSABLE
from orgs.access import OrgRequest, org_view
from orgs.forms import TimeZoneForm
from orgs.permissions import Permission
from orgs.queries import is_member
from orgs.sibling_names import other_environment, sibling_name


@require_safe
@org_view(Permission.SEE_SETTINGS)
def settings(request: OrgRequest) -> HttpResponse:
    """Show the settings; owners find a form to change them."""
    return settings_page(request)


def settings_page(
    request: OrgRequest,
    form: GatewaySettingsForm | None = None,
    *,
    rename_form: RenameForm | None = None,
    pair_form: PairForm | None = None,
    delete_form: DeleteForm | None = None,
) -> HttpResponse:
    """Return the page; with a form in hand, the one that has errors."""
    organization = request.organization
    current = gateway_settings_of(organization)
    other = other_environment(organization)
    pair_form = pair_form or PairForm(organization=organization, user=request.user)
    context = {
        "gateway": current,
        "cache_words": dict(CACHE_TIMES).get(current.cache_s, f"{current.cache_s} s"),
        "form": form or GatewaySettingsForm.showing(current),
        "rename_form": rename_form or RenameForm(initial={"name": organization.name}),
        "pair_form": pair_form
        or PairForm(organization=organization, user=request.user),
        "sibling_name": sibling_name(organization.name, other),
        "sibling_is_own": is_in_sibling(request),
        "zone_form": TimeZoneForm(initial={"time_zone": organization.time_zone}),
        "zone_words": organization.time_zone.replace("_", " "),
        "delete_form": delete_form or DeleteForm(organization=organization),
        "debt": debt_of(organization, now=timezone.now()),
    }
    has_errors = form or rename_form or pair_form.is_bound or delete_form
    status = UNPROCESSABLE if has_errors else 200
    return render(request, "billing/settings.html", context, status=status)


def is_in_sibling(request: OrgRequest) -> bool:
    sibling = request.organization.sibling
    return sibling is not None and is_member(
        organization=sibling, email=request.user.email
    )


@require_POST
@org_view(Permission.CHANGE_SETTINGS)
def set_gateway(request: OrgRequest) -> HttpResponse:
    """Change how the gateway treats the organization's requests."""
    form = GatewaySettingsForm(request.POST)
    if not form.is_valid():
        return settings_page(request, form)
    set_gateway_settings(
        organization=request.organization,
        wish=form.wish(),
        acting_user=request.user,
        now=timezone.now(),
    )
    messages.success(request, "The gateway settings are saved and in force.")
    return redirect("billing:settings", request.organization.slug)
