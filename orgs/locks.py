"""The lock under which an organization's members change."""

from __future__ import annotations

from orgs.models import Organization


def lock_members_of(organization: Organization) -> None:
    """
    Wait for other changes of the organization's members; hold until the commit.

    Two owners who demote each other at once would otherwise both find one owner
    left. Rows that only refer to the organization can still be written.
    """
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
