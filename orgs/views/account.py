"""A person's own settings."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from orgs.actions import set_default_organization
from orgs.models import Membership, User
from orgs.queries import landing_organization, organizations_of


@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show name, address, and the organizations with the default one marked."""
    user = cast(User, request.user)
    return render(
        request,
        "orgs/account.html",
        {
            "own_memberships": organizations_of(user),
            "default_organization": landing_organization(user),
        },
    )


@require_POST
def set_default(request: HttpRequest) -> HttpResponse:
    """Make one of the person's organizations the default."""
    user = cast(User, request.user)
    membership = membership_from(request, user)
    set_default_organization(
        user=user,
        organization=membership.organization,
        acting_user=user,
        now=timezone.now(),
    )
    messages.success(
        request, f"{membership.organization} is your default organization now."
    )
    return redirect("orgs:account")


def membership_from(request: HttpRequest, user: User) -> Membership:
    for membership in organizations_of(user):
        if membership.organization.public_id == request.POST.get("organization"):
            return membership
    raise Http404
