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

    :raises NotAMember: if the person is not in it.
    """
    memberships = Membership.objects.select_for_update()
    if not memberships.filter(user=user, organization=organization).exists():
        raise NotAMember
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
