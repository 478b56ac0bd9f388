"""Organizations begin, are renamed, form pairs, and end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import count, islice

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from orgs import audit
from orgs.actions.members import add_member
from orgs.locks import lock_members_of
from orgs.models import (
    Invitation,
    Membership,
    Organization,
    Role,
    User,
    new_organization_id,
)

# Names of one kind may be many in a demo, never thousands.
SLUG_ATTEMPTS = 1000
LONGEST_SLUG_STEM = 50


class CannotPair(Exception):
    """Both are of one environment, or one of them has a pair."""


@transaction.atomic
def create_organization(
    *,
    name: str,
    environment: str,
    owner: User,
    acting_user: User | None,
    now: datetime,
    is_demo: bool = False,
    public_id: str | None = None,
) -> Organization:
    """Create an organization with its first owner; its slug is made from the name."""
    organization = insert_with_free_slug(
        Organization(
            public_id=public_id or new_organization_id(),
            name=name,
            environment=environment,
            is_demo=is_demo,
            created_at=now,
        )
    )
    audit.record(
        organization=organization,
        actor=acting_user,
        action="organization.created",
        target=organization.public_id,
        details={"after": {"name": name, "environment": environment}},
        now=now,
    )
    add_member(
        organization=organization,
        user=owner,
        role=Role.OWNER,
        acting_user=acting_user,
        now=now,
    )
    return organization


def insert_with_free_slug(organization: Organization) -> Organization:
    """Save under the first slug that nobody has, also if others save at once."""
    for slug in islice(slugs_from(organization.name), SLUG_ATTEMPTS):
        if Organization.objects.filter(slug=slug).exists():
            continue
        organization.slug = slug
        try:
            with transaction.atomic():
                organization.save(force_insert=True)
        except IntegrityError:
            # Taken in between: the loop goes on. Anything else fails again, below.
            if not Organization.objects.filter(slug=slug).exists():
                raise
        else:
            return organization
    raise AssertionError(f"no free slug for {organization.name!r}")


def slugs_from(name: str) -> Iterator[str]:
    """Yield `acme`, `acme-2`, `acme-3`, …"""
    stem = slugify(name)[:LONGEST_SLUG_STEM].strip("-") or "organization"
    yield stem
    for number in count(2):
        yield f"{stem}-{number}"


@transaction.atomic
def rename_organization(
    *,
    organization: Organization,
    name: str,
    acting_user: User | None,
    now: datetime,
) -> None:
    """
    Give an organization another name; addresses of its pages stay as they are.

    Safe to repeat: the same name again changes and records nothing.
    """
    lock_members_of(organization)
    organization.refresh_from_db(fields=["name"])
    before = organization.name
    if before == name:
        return
    organization.name = name
    organization.save(update_fields=["name"])
    record_update(organization, {"name": before}, {"name": name}, acting_user, now)


@transaction.atomic
def set_time_zone(
    *, organization: Organization, time_zone: str, acting_user: User, now: datetime
) -> None:
    """
    Show the organization's usage by the clock of a zone; cycles stay months in UTC.

    Safe to repeat: the same zone again changes and records nothing.
    """
    lock_members_of(organization)
    organization.refresh_from_db(fields=["time_zone"])
    before = organization.time_zone
    if before == time_zone:
        return
    organization.time_zone = time_zone
    organization.save(update_fields=["time_zone"])
    sides = {"time_zone": before}, {"time_zone": time_zone}
    record_update(organization, *sides, acting_user, now)


@transaction.atomic
def link_siblings(
    *,
    one: Organization,
    other: Organization,
    acting_user: User | None,
    now: datetime,
) -> None:
    """
    Make a staging and a production organization each other's pair.

    :raises CannotPair: if both are of one environment, or one has a pair.
    """
    lock_members_of(one, other)
    for each in (one, other):
        each.refresh_from_db(fields=["sibling"])
    if one.environment == other.environment or one.sibling or other.sibling:
        raise CannotPair
    for each, sibling in ((one, other), (other, one)):
        each.sibling = sibling
        each.save(update_fields=["sibling"])
        record_update(each, None, {"sibling": sibling.public_id}, acting_user, now)


@transaction.atomic
def unlink_siblings(
    *, organization: Organization, acting_user: User | None, now: datetime
) -> None:
    """
    Take a pair apart; both go on, each for itself.

    Safe to repeat: without a pair nothing changes.
    """
    organization.refresh_from_db(fields=["sibling"])
    sibling = organization.sibling
    if sibling is None:
        return
    lock_members_of(organization, sibling)
    for each, other in ((organization, sibling), (sibling, organization)):
        rows = Organization.objects.filter(pk=each.pk, sibling=other)
        if rows.update(sibling=None):
            each.sibling = None
            record_update(each, {"sibling": other.public_id}, None, acting_user, now)


@transaction.atomic
def close_organization(
    *, organization: Organization, acting_user: User | None, now: datetime
) -> None:
    """
    Mark an organization as deleted: nobody is in it or invited to it any more.

    Its rows stay, and its slug: an old link leads nowhere, never to somebody else.
    Money and keys are for the caller to look after, in the same transaction.

    :raises orgs.locks.OrganizationGone: if it was deleted before.
    """
    unlink_siblings(organization=organization, acting_user=acting_user, now=now)
    lock_members_of(organization)
    Organization.objects.filter(pk=organization.pk).update(deleted_at=now)
    organization.deleted_at = now
    invitations = Invitation.objects.pending().filter(organization=organization)
    invitations.update(revoked_at=now)
    people = User.objects.filter(default_organization=organization)
    people.update(default_organization=None)
    memberships = Membership.objects.filter(organization=organization)
    roles = dict(memberships.values_list("user__public_id", "role"))
    memberships.delete()
    audit.record(
        organization=organization,
        actor=acting_user,
        action="organization.deleted",
        target=organization.public_id,
        details={"before": {"name": organization.name, "members": roles}},
        now=now,
    )


def record_update(
    organization: Organization,
    before: dict[str, str] | None,
    after: dict[str, str] | None,
    acting_user: User | None,
    now: datetime,
) -> None:
    sides = {"before": before, "after": after}
    audit.record(
        organization=organization,
        actor=acting_user,
        action="organization.updated",
        target=organization.public_id,
        details={side: values for side, values in sides.items() if values},
        now=now,
    )
