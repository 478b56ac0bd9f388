"""What people change about themselves."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from orgs import audit
from orgs.actions.members import NotAMember
from orgs.models import Membership, Organization, User


@transaction.atomic
def set_default_organization(
    *, user: User, organization: Organization, acting_user: User | None, now: datetime
) -> None:
    """
    Make an organization the one that opens after log-in and is billed by default.

    The same again changes and records nothing.

    :raises NotAMember: if the person is not in it.
    """
    memberships = Membership.objects.select_for_update()
    if not memberships.filter(user=user, organization=organization).exists():
        raise NotAMember
    current = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if current.default_organization_id == organization.pk:
        return
    User.objects.filter(pk=user.pk).update(default_organization=organization)
    user.default_organization = organization
    audit.record(
        organization=organization,
        actor=acting_user,
        action="user.updated",
        target=user.public_id,
        details={"after": {"default_organization": organization.public_id}},
        now=now,
    )


@transaction.atomic
def update_profile(
    *, user: User, name: str, time_zone: str, acting_user: User, now: datetime
) -> None:
    """Change a person's name and time zone; the same again changes nothing."""
    current = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    before = {"name": current.name, "time_zone": current.time_zone}
    after = {"name": name, "time_zone": time_zone}
    if before == after:
        return
    User.objects.filter(pk=user.pk).update(**after)
    user.name, user.time_zone = name, time_zone
    audit.record(
        organization=None,
        actor=acting_user,
        action="user.updated",
        target=user.public_id,
        details={"before": before, "after": after},
        now=now,
    )
