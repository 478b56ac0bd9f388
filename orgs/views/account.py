"""A person's own settings."""

from __future__ import annotations

from typing import cast

from allauth.account.views import email_verification_sent
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from core.statuses import UNPROCESSABLE
from orgs.actions import set_default_organization, update_profile
from orgs.models import Membership, User
from orgs.personal_forms import ProfileForm
from orgs.queries import (
    has_second_factor,
    landing_organization,
    organizations_of,
)


@login_not_required
def confirm_email(request: HttpRequest) -> HttpResponse:
    """Take the code that was mailed to who signs up; who is in has no use for it."""
    if request.user.is_authenticated:
        return redirect("orgs:home")
    return cast(HttpResponse, email_verification_sent(request))


@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show what a person can settle for themselves."""
    user = cast(User, request.user)
    values = {"name": user.name, "time_zone": user.time_zone}
    return account_page(request, ProfileForm(initial=values))


def account_page(
    request: HttpRequest, form: ProfileForm, *, status: int = 200
) -> HttpResponse:
    user = cast(User, request.user)
    context = {
        "form": form,
        "own_memberships": organizations_of(user),
        "default_organization": landing_organization(user),
        "has_second_factor": has_second_factor(user),
    }
    return render(request, "orgs/account.html", context, status=status)


@require_POST
def save_profile(request: HttpRequest) -> HttpResponse:
    """Change name and time zone."""
    user = cast(User, request.user)
    form = ProfileForm(request.POST)
    if not form.is_valid():
        return account_page(request, form, status=UNPROCESSABLE)
    update_profile(user=user, **form.cleaned_data, acting_user=user, now=timezone.now())
    messages.success(request, "Your profile is saved.")
    return redirect("orgs:account")


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
