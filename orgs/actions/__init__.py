"""What can be done with organizations, members, invitations and one's account."""

from __future__ import annotations

from orgs.actions.first_set_up import AddressTaken, AlreadySetUp, set_up_operator
from orgs.actions.invitations import (
    AccountExists,
    AlreadyInvited,
    AlreadyMember,
    InvitationClosed,
    InvitationOutcome,
    InvitationResult,
    SentJustNow,
    TooManyInvitations,
    TooManyToday,
    WrongAddress,
    accept_as_new_person,
    accept_invitation,
    invite_many,
    invite_member,
    resend_invitation,
    revoke_invitation,
)
from orgs.actions.mail_choices import choose_mail_from_link, choose_mails
from orgs.actions.members import (
    LastOwner,
    NotAMember,
    add_member,
    change_role,
    remove_member,
    transfer_ownership,
)
from orgs.actions.organizations import (
    CannotPair,
    close_organization,
    create_organization,
    link_siblings,
    rename_organization,
    set_time_zone,
    unlink_siblings,
)
from orgs.actions.people import set_default_organization, update_profile
from orgs.actions.second_factors import reset_second_factors
from orgs.actions.security import NoSecondFactor, require_two_factor
from orgs.actions.sessions import end_session
from orgs.actions.suspension import reactivate_organization, suspend_organization
from orgs.actions.viewings import (
    NotAnOperator,
    begin_viewing,
    end_viewing,
    end_viewings_that_are_over,
    note_export,
)

__all__ = [
    "AccountExists",
    "AddressTaken",
    "AlreadyInvited",
    "AlreadyMember",
    "AlreadySetUp",
    "CannotPair",
    "InvitationClosed",
    "InvitationOutcome",
    "InvitationResult",
    "LastOwner",
    "NoSecondFactor",
    "NotAMember",
    "NotAnOperator",
    "SentJustNow",
    "TooManyInvitations",
    "TooManyToday",
    "WrongAddress",
    "accept_as_new_person",
    "accept_invitation",
    "add_member",
    "begin_viewing",
    "change_role",
    "choose_mail_from_link",
    "choose_mails",
    "close_organization",
    "create_organization",
    "end_session",
    "end_viewing",
    "end_viewings_that_are_over",
    "invite_many",
    "invite_member",
    "link_siblings",
    "note_export",
    "reactivate_organization",
    "remove_member",
    "rename_organization",
    "require_two_factor",
    "resend_invitation",
    "reset_second_factors",
    "revoke_invitation",
    "set_default_organization",
    "set_time_zone",
    "set_up_operator",
    "suspend_organization",
    "transfer_ownership",
    "unlink_siblings",
    "update_profile",
]
