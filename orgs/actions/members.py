"""Members join, change their role, and go. At least one owner always stays."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from orgs import audit
from orgs.locks import lock_members_of
from orgs.models import Invitation, Membership, Organization, Role, User
from orgs.security_mail import tell_of_former_owner, tell_of_new_owner


class LastOwner(Exception):
    """Nobody would be left to own the organization."""


class NotAMember(Exception):
    """The person is not in the organization (any more)."""


@transaction.atomic
def add_member(
    *,
    organization: Organization,
    user: User,
    role: str,
    acting_user: User | None,
    now: datetime,
) -> Membership:
    """
    Make a person a member; whoever is one already keeps their role.

    Their first organization becomes their default one.
    """
    lock_members_of(organization)
    membership, is_new = Membership.objects.get_or_create(
        organization=organization,
        user=user,
        defaults={"role": role, "created_at": now},
    )
    if is_new:
        record_member(membership, "user.added", acting_user, now, after=role)
    first = User.objects.filter(pk=user.pk, default_organization__isnull=True)
    if first.update(default_organization=organization):
        user.default_organization = organization
    return membership


@transaction.atomic
def change_role(
    *, membership: Membership, role: str, acting_user: User | None, now: datetime
) -> None:
    """
    Give a member another role; the same one changes nothing.

    An owner who becomes a reader takes their pending invitations along.

    :raises LastOwner: if no active owner would be left.
    :raises NotAMember: if the member has gone in the meantime.
    """
    current = lock_membership(membership)
    before = current.role
    if before == role:
        return
    if before == Role.OWNER:
        refuse_last_owner(current)
        revoke_invitations_by(current, acting_user, now)
    current.role = role
    current.save(update_fields=["role"])
    membership.role = role
    record_member(current, "user.updated", acting_user, now, before=before, after=role)


@transaction.atomic
def remove_member(
    *, membership: Membership, acting_user: User | None, now: datetime
) -> None:
    """
    Take a person out of an organization, with the invitations they sent.

    Their personal keys stop working in it at once, because they act only where
    their person is a member.

    :raises LastOwner: if no active owner would be left.
    :raises NotAMember: if the member has gone already.
    """
    current = lock_membership(membership)
    refuse_last_owner(current)
    revoke_invitations_by(current, acting_user, now)
    User.objects.filter(
        pk=current.user_id, default_organization=current.organization_id
    ).update(default_organization=None)
    record_member(current, "user.deleted", acting_user, now, before=current.role)
    current.delete()


@transaction.atomic
def transfer_ownership(
    *, giver: Membership, taker: Membership, acting_user: User | None, now: datetime
) -> None:
    """
    Make another member an owner, and the giver a reader; to oneself changes nothing.

    :raises NotAMember: if either has gone in the meantime.
    :raises LastOwner: if no active owner would be left.
    """
    assert giver.organization_id == taker.organization_id, "within an organization"
    if giver.pk == taker.pk:
        return
    for membership, role in ((taker, Role.OWNER), (giver, Role.READER)):
        change_role(membership=membership, role=role, acting_user=acting_user, now=now)


def lock_membership(membership: Membership) -> Membership:
    """Lock the organization's members and return the membership as it is now."""
    lock_members_of(membership.organization)
    try:
        return Membership.objects.select_related("organization", "user").get(
            pk=membership.pk
        )
    except Membership.DoesNotExist as error:
        raise NotAMember from error


def refuse_last_owner(membership: Membership) -> None:
    others = Membership.objects.filter(
        organization=membership.organization, role=Role.OWNER, user__is_active=True
    ).exclude(pk=membership.pk)
    if membership.is_owner and not others.exists():
        raise LastOwner


def revoke_invitations_by(
    membership: Membership, acting_user: User | None, now: datetime
) -> None:
    """Revoke what a parting owner offered: it must not outlive their say."""
    invitations = Invitation.objects.pending().filter(
        organization=membership.organization, invited_by=membership.user
    )
    for invitation in invitations.select_for_update():
        invitation.revoked_at = now
        invitation.save(update_fields=["revoked_at"])
        audit.record(
            organization=membership.organization,
            actor=acting_user,
            action="invite.deleted",
            target=invitation.public_id,
            details={"email": invitation.email, "reason": "inviter is no owner now"},
            now=now,
        )


def record_member(
    membership: Membership,
    action: str,
    acting_user: User | None,
    now: datetime,
    *,
    before: str | None = None,
    after: str | None = None,
) -> None:
    roles = {"before": before, "after": after}
    audit.record(
        organization=membership.organization,
        actor=acting_user,
        action=action,
        target=membership.user.public_id,
        details={name: {"role": role} for name, role in roles.items() if role},
        now=now,
    )
    tell_of_owner(membership, acting_user, now, before=before, after=after)


def tell_of_owner(
    membership: Membership,
    acting_user: User | None,
    now: datetime,
    *,
    before: str | None,
    after: str | None,
) -> None:
    """Tell the owners that somebody became one, or is one no more."""
    organization, person = membership.organization, membership.user
    if after == Role.OWNER and has_other_owners(membership):
        tell_of_new_owner(organization, person, acting_user=acting_user, now=now)
    elif before == Role.OWNER:
        tell_of_former_owner(organization, person, acting_user=acting_user, now=now)


def has_other_owners(membership: Membership) -> bool:
    """Say whether anybody else is one: not in an organization that was just made."""
    owners = Membership.objects.filter(
        organization=membership.organization, role=Role.OWNER
    )
    return owners.exclude(pk=membership.pk).exists()
