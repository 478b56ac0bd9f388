"""Members as queries, for the resources that tell of them."""

from __future__ import annotations

from django.db.models import QuerySet

from orgs.models import Membership, Organization


def of_members(organization: Organization) -> QuerySet[Membership]:
    """Return the members, in no order, each with its person."""
    members = Membership.objects.filter(organization=organization)
    return members.select_related("user", "organization")
