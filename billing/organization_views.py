"""Organizations: created, renamed, paired, deleted."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from billing.actions.organizations import (
    OWNED_MAX,
    Debt,
    NotSettled,
    TooManyOrganizations,
    delete_organization,
    found_organization,
    found_sibling,
)
from billing.organization_forms import (
    DeleteForm,
    NewOrganizationForm,
    PairForm,
    RenameForm,
)
from billing.settings_views import settings_page
from core.statuses import UNPROCESSABLE
from orgs.access import OrgRequest, org_view
from orgs.actions import (
    CannotPair,
    link_siblings,
    rename_organization,
    unlink_siblings,
)
from orgs.models import User
from orgs.permissions import Permission
from orgs.reach import whole_installation

TOO_MANY = f"You own {OWNED_MAX} organizations, which is as many as one person may."
CANNOT_PAIR = (
    "A pair is of one staging and one production organization, "
    "neither of them paired already."
)
DEBTS = {
    Debt.HELD: "Requests are under way. Revoke the keys, wait a moment, try again.",
    Debt.OWED: (
        "This cycle's use is not settled yet. Revoke the keys now, and delete the "
        "organization when the next billing cycle has begun."
    ),
}


@require_http_methods(["GET", "HEAD", "POST"])
def new_organization(request: HttpRequest) -> HttpResponse:
    """Create an organization, and its sibling if wished; whoever asks owns both."""
    form = NewOrganizationForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return new_page(request, form)
    try:
        with whole_installation("an organization begins"):
            organization = found_organization(
                **form.cleaned_data,
                founder=cast(User, request.user),
                now=timezone.now(),
            )
    except TooManyOrganizations:
        form.add_error(None, TOO_MANY)
        return new_page(request, form)
    organization.refresh_from_db()
    also = f" and {organization.sibling}" if organization.sibling else ""
    messages.success(request, f"{organization}{also} created. You own what is new.")
    return redirect("orgs:organization", organization.slug)


def new_page(request: HttpRequest, form: NewOrganizationForm) -> HttpResponse:
    status = UNPROCESSABLE if form.is_bound else 200
    return render(
        request, "billing/new_organization.html", {"form": form}, status=status
    )


@require_POST
@org_view(Permission.RENAME)
def rename(request: OrgRequest) -> HttpResponse:
    """Give the organization another name."""
    form = RenameForm(request.POST)
    if not form.is_valid():
        return settings_page(request, rename_form=form)
    rename_organization(
        organization=request.organization,
        name=form.cleaned_data["name"],
        acting_user=request.user,
        now=timezone.now(),
    )
    messages.success(request, f"The organization is called {request.organization} now.")
    return redirect("billing:settings", request.organization.slug)


@require_POST
@org_view(Permission.PAIR)
def link_pair(request: OrgRequest) -> HttpResponse:
    """Pair the organization with another that the person owns."""
    form = PairForm(request.POST, organization=request.organization, user=request.user)
    if not form.is_valid():
        return settings_page(request, pair_form=form)
    sibling = form.cleaned_data["sibling"]
    try:
        link_siblings(
            one=request.organization,
            other=sibling,
            acting_user=request.user,
            now=timezone.now(),
        )
    except CannotPair:
        messages.error(request, CANNOT_PAIR)
    else:
        messages.success(request, f"{request.organization} and {sibling} are a pair.")
    return redirect("billing:settings", request.organization.slug)


@require_POST
@org_view(Permission.PAIR)
def create_pair(request: OrgRequest) -> HttpResponse:
    """Create the missing half of the pair."""
    try:
        with whole_installation("an organization begins"):
            sibling = found_sibling(
                organization=request.organization,
                founder=request.user,
                now=timezone.now(),
            )
    except TooManyOrganizations:
        messages.error(request, TOO_MANY)
    except CannotPair:
        messages.error(request, CANNOT_PAIR)
    else:
        messages.success(request, f"{sibling} is created. You are its only member.")
    return redirect("billing:settings", request.organization.slug)


@require_POST
@org_view(Permission.PAIR)
def unlink_pair(request: OrgRequest) -> HttpResponse:
    """Take the pair apart."""
    # Who owns one of the two need not be in the other.
    with whole_installation("a pair is taken apart"):
        unlink_siblings(
            organization=request.organization,
            acting_user=request.user,
            now=timezone.now(),
        )
    messages.success(request, "The pair is taken apart. Both organizations go on.")
    return redirect("billing:settings", request.organization.slug)


@require_POST
@org_view(Permission.DELETE)
def delete(request: OrgRequest) -> HttpResponse:
    """Delete the organization, if its name was typed and nothing is owed."""
    form = DeleteForm(request.POST, organization=request.organization)
    if form.is_valid():
        try:
            # Its budgets are the books' and its pair may be others'.
            with whole_installation("an organization ends"):
                delete_organization(
                    organization=request.organization,
                    acting_user=request.user,
                    now=timezone.now(),
                )
        except NotSettled as refusal:
            form.add_error(None, DEBTS[refusal.debt])
        else:
            messages.success(request, f"{request.organization} is deleted.")
            return redirect("orgs:home")
    return settings_page(request, delete_form=form)
