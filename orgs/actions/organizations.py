"""Organizations begin, and form pairs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import count, islice

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from orgs import audit
from orgs.actions.members import add_member
from orgs.models import Organization, Role, User

# Names of one kind may be many in a demo, never thousands.
SLUG_ATTEMPTS = 1000
LONGEST_SLUG_STEM = 50


@transaction.atomic
def create_organization(
    *,
    name: str,
    environment: str,
    owner: User,
    acting_user: User | None,
    now: datetime,
    is_demo: bool = False,
) -> Organization:
    """Create an organization with its first owner; its slug is made from the name."""
    organization = insert_with_free_slug(
        Organization(
            name=name, environment=environment, is_demo=is_demo, created_at=now
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
def link_siblings(
    *,
    one: Organization,
    other: Organization,
    acting_user: User | None,
    now: datetime,
) -> None:
    """Make a staging and a production organization each other's pair."""
    assert one.environment != other.environment, "a pair is of two environments"
    in_order = sorted([one, other], key=lambda each: each.pk)
    for each in in_order:
        Organization.objects.select_for_update(no_key=True).get(pk=each.pk)
    for each, sibling in ((one, other), (other, one)):
        each.sibling = sibling
        each.save(update_fields=["sibling"])
        audit.record(
            organization=each,
            actor=acting_user,
            action="organization.updated",
            target=each.public_id,
            details={"after": {"sibling": sibling.public_id}},
            now=now,
        )
