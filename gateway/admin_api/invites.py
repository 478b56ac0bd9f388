"""Invitations in OpenAI's shape; their mails and links are the members page's."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone

from gateway import errors
from gateway.admin_api.bodies import Fields, fields_of
from gateway.admin_api.door import ApiRequest, admin_resource
from gateway.admin_api.lists import deleted, one_of, page_of, unix
from gateway.admin_api.projects import ROLES, project_id_of
from gateway.admin_api.users import ROLE_NAMES
from orgs.actions import (
    AlreadyInvited,
    AlreadyMember,
    InvitationClosed,
    TooManyInvitations,
    TooManyToday,
    invite_member,
    revoke_invitation,
)
from orgs.models import Invitation, Role

KIND = "organization.invite"
LONGEST_ADDRESS = 254


def list_invites(request: ApiRequest) -> dict[str, Any]:
    """List the invitations that were not revoked."""
    return page_of(request, not_revoked(request), invite_of, once=all_of(request))


def retrieve_invite(request: ApiRequest, invite_id: str) -> dict[str, Any]:
    return invite_of(one_of(not_revoked(request), public_id=invite_id))


def create_invite(request: ApiRequest) -> dict[str, Any]:
    """Invite an address by mail."""
    fields = fields_of(request, {"email", "role", "projects"})
    email = fields.text("email", longest=LONGEST_ADDRESS)
    role = fields.choice("role", ROLE_NAMES)
    require_own_project(request, fields, role)
    try:
        invitation = invite_member(
            organization=request.organization,
            email=email,
            role=role,
            acting_user=request.maker,
            now=timezone.now(),
        )
    except ValidationError:
        message = f"'{email}' is not an e-mail address."
        raise errors.malformed(message, "email") from None
    except AlreadyMember:
        raise errors.already_member(email) from None
    except AlreadyInvited:
        raise errors.already_invited(email) from None
    except (TooManyInvitations, TooManyToday):
        raise errors.too_many_invitations() from None
    return invite_of(invitation)


def delete_invite(request: ApiRequest, invite_id: str) -> dict[str, Any]:
    """Revoke an invitation: its link is dead."""
    invitation = one_of(not_revoked(request), public_id=invite_id)
    try:
        revoke_invitation(
            invitation=invitation, acting_user=request.maker, now=timezone.now()
        )
    except InvitationClosed:
        raise errors.invitation_closed() from None
    return deleted(KIND, invite_id)


def all_of(request: ApiRequest) -> QuerySet[Invitation]:
    invitations = Invitation.objects.filter(organization=request.organization)
    return invitations.select_related("organization")


def not_revoked(request: ApiRequest) -> QuerySet[Invitation]:
    return all_of(request).filter(revoked_at__isnull=True)


def require_own_project(request: ApiRequest, fields: Fields, role: Role) -> None:
    """Refuse other projects, and a role in the project that is not the role here."""
    if not fields.has("projects"):
        return
    own = {"id": project_id_of(request.organization), "role": ROLES[role]}
    if fields.values["projects"] not in ([], [own]):
        raise errors.malformed(
            f"An organization is one project here: 'projects' may be left out, or "
            f"name '{own['id']}' with the role '{own['role']}'.",
            "projects",
        )


def invite_of(invitation: Invitation) -> dict[str, Any]:
    in_project = {
        "id": project_id_of(invitation.organization),
        "role": ROLES[Role(invitation.role)],
    }
    return {
        "object": KIND,
        "id": invitation.public_id,
        "email": invitation.email,
        "role": invitation.role,
        "status": status_of(invitation),
        "created_at": unix(invitation.created_at),
        "expires_at": unix(invitation.expires_at),
        "accepted_at": unix(invitation.accepted_at),
        "projects": [in_project],
    }


def status_of(invitation: Invitation) -> str:
    if invitation.accepted_at is not None:
        return "accepted"
    return "expired" if invitation.is_expired(at=timezone.now()) else "pending"


invites = admin_resource(GET=list_invites, POST=create_invite)
invite = admin_resource(GET=retrieve_invite, DELETE=delete_invite)
