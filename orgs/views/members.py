"""The members page and what owners do there."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from orgs.access import OrgRequest, org_view
from orgs.actions import (
    InvitationResult,
    LastOwner,
    NotAMember,
    change_role,
    invite_many,
    remove_member,
    transfer_ownership,
)
from orgs.forms import InviteForm, RoleForm
from orgs.models import Membership, Organization
from orgs.permissions import Permission, matrix
from orgs.queries import members_of, owners_of, pending_invitations

LAST_OWNER = (
    "An organization needs an owner. Make somebody else an owner first, then try again."
)
GONE = "This person is not a member any more."


@org_view(Permission.SEE_MEMBERS)
@require_safe
def members(request: OrgRequest) -> HttpResponse:
    """Show who is in the organization, and to owners who is invited."""
    return members_page(request, InviteForm())


@org_view(Permission.INVITE, while_suspended=False)
@require_POST
def invite(request: OrgRequest) -> HttpResponse:
    """Invite the addresses; those that could not be stay in the form."""
    form = InviteForm(request.POST)
    if not form.is_valid():
        return members_page(request, form, status=422)
    results = invite_many(
        organization=request.organization,
        emails=form.cleaned_data["emails"],
        role=form.cleaned_data["role"],
        acting_user=request.user,
        now=timezone.now(),
    )
    failed = failures(results)
    if failed:
        emails = "\n".join(result.email for result in failed)
        again = InviteForm(initial={**form.cleaned_data, "emails": emails})
        return members_page(request, again, results=results)
    messages.success(request, sent_text(results))
    return redirect("orgs:members", slug=request.organization.slug)


@org_view(Permission.CHANGE_ROLES)
@require_POST
def set_role(request: OrgRequest, user_id: str) -> HttpResponse:
    """Make a member an owner or a reader."""
    membership = membership_or_404(request.organization, user_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "A role is either owner or reader.")
        return redirect("orgs:members", slug=request.organization.slug)
    try:
        change_role(
            membership=membership,
            role=form.cleaned_data["role"],
            acting_user=request.user,
            now=timezone.now(),
        )
    except (LastOwner, NotAMember) as refusal:
        messages.error(request, refusal_text(refusal))
    else:
        role = membership.get_role_display().lower()
        messages.success(request, f"{membership.user.get_full_name()} is {role} now.")
    return redirect("orgs:members", slug=request.organization.slug)


@org_view(Permission.TRANSFER)
@require_POST
def transfer(request: OrgRequest, user_id: str) -> HttpResponse:
    """Make somebody else an owner, and a reader of whoever asks."""
    membership = membership_or_404(request.organization, user_id)
    try:
        transfer_ownership(
            giver=request.membership,
            taker=membership,
            acting_user=request.user,
            now=timezone.now(),
        )
    except (LastOwner, NotAMember) as refusal:
        messages.error(request, refusal_text(refusal))
    else:
        name = membership.user.get_full_name()
        messages.success(request, f"{name} is owner now, and you are a reader.")
    return redirect("orgs:members", slug=request.organization.slug)


@org_view(Permission.REMOVE_MEMBERS)
@require_POST
def remove(request: OrgRequest, user_id: str) -> HttpResponse:
    """Take a member out of the organization."""
    membership = membership_or_404(request.organization, user_id)
    name = membership.user.get_full_name()
    return part(request, membership, f"{name} is not a member any more.")


@org_view(Permission.LEAVE)
@require_POST
def leave(request: OrgRequest) -> HttpResponse:
    """Go oneself."""
    text = f"You are not a member of {request.organization} any more."
    return part(request, request.membership, text)


def part(request: OrgRequest, membership: Membership, text: str) -> HttpResponse:
    """Remove a membership, or say why it stays."""
    try:
        remove_member(
            membership=membership, acting_user=request.user, now=timezone.now()
        )
    except (LastOwner, NotAMember) as refusal:
        messages.error(request, refusal_text(refusal))
    else:
        messages.success(request, text)
        if membership.user_id == request.user.pk:
            return redirect("orgs:home")
    return redirect("orgs:members", slug=request.organization.slug)


def members_page(
    request: OrgRequest,
    form: InviteForm,
    *,
    results: list[InvitationResult] | None = None,
    status: int = 200,
) -> HttpResponse:
    return render(
        request,
        "orgs/members.html",
        {
            "form": form,
            "results": results,
            "permissions": matrix(),
            **people(request.organization, request.membership),
        },
        status=status,
    )


def people(organization: Organization, membership: Membership) -> dict[str, Any]:
    """Return members and, for owners, pending invitations."""
    invitations = pending_invitations(organization) if membership.is_owner else []
    return {
        "members": members_of(organization),
        "invitations": invitations,
        "only_owner": len(owners_of(organization)) == 1,
        "now": timezone.now(),
    }


def membership_or_404(organization: Organization, user_id: str) -> Membership:
    return get_object_or_404(
        members_of(organization).select_related("organization"),
        user__public_id=user_id,
    )


def refusal_text(refusal: LastOwner | NotAMember) -> str:
    return LAST_OWNER if isinstance(refusal, LastOwner) else GONE


def failures(results: list[InvitationResult]) -> list[InvitationResult]:
    return [each for each in results if not each.is_sent]


def sent_text(results: list[InvitationResult]) -> str:
    addresses = ", ".join(result.email for result in results)
    if len(results) == 1:
        return f"Invitation sent to {addresses}."
    return f"{len(results)} invitations sent: {addresses}."
