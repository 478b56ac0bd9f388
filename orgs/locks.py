"""The lock under which an organization's members change."""

from __future__ import annotations

from orgs.models import Organization


class OrganizationGone(Exception):
    """The organization was deleted."""


def lock_members_of(*organizations: Organization) -> None:
    """
    Wait for other changes of the organizations' members; hold until the commit.

    Two owners who demote each other at once would otherwise both find one owner
    left. Rows that only refer to an organization can still be written.

    :raises OrganizationGone: if one was deleted.
    """
    keys = {organization.pk for organization in organizations}
    # In one order: whoever locks the same pair waits, and nobody waits in a ring.
    rows = Organization.objects.select_for_update(no_key=True).order_by("pk")
    found = list(rows.filter(pk__in=keys, deleted_at__isnull=True))
    if len(found) != len(keys):
        raise OrganizationGone
