"""What can be done with organizations, members, invitations and one's account."""

from __future__ import annotations

from orgs.actions.invitations import (
    AccountExists,
    AlreadyInvited,
    AlreadyMember,
    InvitationClosed,
    InvitationOutcome,
    InvitationResult,
    TooManyInvitations,
    WrongAddress,
    accept_as_new_person,
    accept_invitation,
    invite_many,
    invite_member,
    resend_invitation,
    revoke_invitation,
)
from orgs.actions.members import (
    LastOwner,
    NotAMember,
    add_member,
    change_role,
    remove_member,
)
from orgs.actions.organizations import create_organization, link_siblings
from orgs.actions.people import set_default_organization

__all__ = [
    "AccountExists",
    "AlreadyInvited",
    "AlreadyMember",
    "InvitationClosed",
    "InvitationOutcome",
    "InvitationResult",
    "LastOwner",
    "NotAMember",
    "TooManyInvitations",
    "WrongAddress",
    "accept_as_new_person",
    "accept_invitation",
    "add_member",
    "change_role",
    "create_organization",
    "invite_many",
    "invite_member",
    "link_siblings",
    "remove_member",
    "resend_invitation",
    "revoke_invitation",
    "set_default_organization",
]
