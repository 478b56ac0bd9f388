"""Invitations: sent again and revoked by owners, accepted by the invited."""

from __future__ import annotations

from allauth.account.utils import perform_login
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from orgs.access import OrgRequest, org_view
from orgs.actions import (
    AccountExists,
    InvitationClosed,
    SentJustNow,
    TooManyToday,
    WrongAddress,
    accept_as_new_person,
    accept_invitation,
    resend_invitation,
    revoke_invitation,
)
from orgs.forms import NewPersonForm
from orgs.models import Invitation, User
from orgs.permissions import Permission
from orgs.queries import has_account, invitation_of_link, pending_invitations
from orgs.reach import of_organization, whole_installation

CLOSED = "This invitation was accepted or revoked in the meantime."
RESEND_REFUSALS: dict[type[Exception], str] = {
    InvitationClosed: CLOSED,
    SentJustNow: "This invitation was sent just now. Wait a minute, then try again.",
    TooManyToday: (
        "Not sent: this organization's invitations of 24 hours are used up. "
        "The link sent before still works."
    ),
}


@org_view(Permission.INVITE, while_suspended=False)
@require_POST
def resend(request: OrgRequest, invitation_id: str) -> HttpResponse:
    """Send a new link; the old one is dead."""
    invitation = invitation_or_404(request, invitation_id)
    try:
        resend_invitation(
            invitation=invitation, acting_user=request.user, now=timezone.now()
        )
    except (InvitationClosed, SentJustNow, TooManyToday) as refusal:
        messages.error(request, RESEND_REFUSALS[type(refusal)])
    else:
        messages.success(
            request,
            f"A new link is on its way to {invitation.email}. The old one is dead.",
        )
    return redirect("orgs:members", slug=request.organization.slug)


@org_view(Permission.INVITE)
@require_POST
def revoke(request: OrgRequest, invitation_id: str) -> HttpResponse:
    """Take an invitation back."""
    invitation = invitation_or_404(request, invitation_id)
    try:
        revoke_invitation(
            invitation=invitation, acting_user=request.user, now=timezone.now()
        )
    except InvitationClosed:
        messages.error(request, CLOSED)
    else:
        messages.success(request, f"The invitation of {invitation.email} is revoked.")
    return redirect("orgs:members", slug=request.organization.slug)


def invitation_or_404(request: OrgRequest, invitation_id: str) -> Invitation:
    return get_object_or_404(
        pending_invitations(request.organization).select_related("organization"),
        public_id=invitation_id,
    )


@login_not_required
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """
    Show what is offered, and take it up by POST.

    Opening the link changes nothing: mail scanners open links too.
    """
    with whole_installation("the link of an invitation"):
        invitation = invitation_of_link(token)
    if invitation is None:
        raise Http404
    with of_organization(invitation.organization_id):
        if request.method == "POST":
            response = take_up(request, invitation)
        else:
            response = accept_page(request, invitation, form_for(request, invitation))
    # The link is a secret: not for caches, nor for the next site. Without any referrer
    # browsers would send the form without its origin, and it would be refused.
    add_never_cache_headers(response)
    response["Referrer-Policy"] = "strict-origin"
    return response


def take_up(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    """Accept as the person logged in, or as a new one."""
    if is_closed(invitation):
        return accept_page(request, invitation, None)
    if isinstance(request.user, User):
        return accept_as(request, invitation, request.user)
    form = form_for(request, invitation, is_filled=True)
    if form is None or not form.is_valid():
        return accept_page(request, invitation, form, status=422)
    try:
        user = accept_as_new_person(
            invitation=invitation, **form.cleaned_data, now=timezone.now()
        )
    except (InvitationClosed, AccountExists):
        return accept_page(request, invitation, None)
    perform_login(request, user)
    return welcome(request, invitation)


def accept_as(request: HttpRequest, invitation: Invitation, user: User) -> HttpResponse:
    try:
        accept_invitation(
            invitation=invitation, user=user, acting_user=user, now=timezone.now()
        )
    except (InvitationClosed, WrongAddress):
        return accept_page(request, invitation, None)
    return welcome(request, invitation)


def welcome(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    messages.success(request, f"You are a member of {invitation.organization} now.")
    return redirect("orgs:organization", slug=invitation.organization.slug)


def form_for(
    request: HttpRequest, invitation: Invitation, *, is_filled: bool = False
) -> NewPersonForm | None:
    """Return the form of a new person; none for somebody with an account."""
    if request.user.is_authenticated or has_account(invitation.email):
        return None
    data = request.POST if is_filled else None
    return NewPersonForm(data, email=invitation.email)


def is_closed(invitation: Invitation) -> bool:
    """Say whether an invitation cannot be accepted, looking at it afresh."""
    invitation.refresh_from_db()
    is_over = invitation.accepted_at is not None or invitation.revoked_at is not None
    is_void = not invitation.invited_by.is_active
    return is_over or is_void or invitation.is_expired(at=timezone.now())


def accept_page(
    request: HttpRequest,
    invitation: Invitation,
    form: NewPersonForm | None,
    *,
    status: int = 200,
) -> HttpResponse:
    """Show the offer, or (410) that it does not stand any more."""
    closed = is_closed(invitation)
    return render(
        request,
        "orgs/accept_invitation.html",
        {
            "invitation": invitation,
            "form": form,
            "is_closed": closed,
            "is_wrong_address": is_somebody_else(request, invitation),
        },
        status=410 if closed else status,
    )


def is_somebody_else(request: HttpRequest, invitation: Invitation) -> bool:
    user = request.user
    return isinstance(user, User) and user.email != invitation.email
