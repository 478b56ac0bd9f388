"""Reads for the operator's pages: across organizations."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Exists, F, OuterRef, Q, Subquery

from billing.models import BillingProfile, Budget
from orgs.models import Membership, Organization

ROWS_PER_PAGE = 50
FIND_LONGEST = 80


def organization_page(*, find: str, number: str, cycle_start: date) -> Page[Any]:
    """
    Return a page of the organizations that are not deleted, by name.

    Each has `spent_nanos` of the cycle, its limits, and `has_profile`.
    """
    budgets = Budget.objects.filter(
        organization=OuterRef("pk"), cycle_start=cycle_start
    )
    rows = (
        Organization.objects.filter(deleted_at__isnull=True)
        .filter(named_like(find))
        .annotate(
            spent_nanos=Subquery(budgets.values("spent_nanos")),
            hard_limit_nanos=F("spend_limits__hard_limit_nanos"),
            approved_limit_nanos=F("spend_limits__approved_limit_nanos"),
            has_profile=Exists(
                BillingProfile.objects.filter(organization=OuterRef("pk"))
            ),
        )
        .order_by("name", "pk")
    )
    return Paginator(rows, ROWS_PER_PAGE).get_page(number)


def named_like(find: str) -> Q:
    """Return the condition that something of an organization is named so."""
    if not find:
        return Q()
    members = Membership.objects.filter(
        organization=OuterRef("pk"), user__email__icontains=find
    )
    return (
        Q(name__icontains=find)
        | Q(public_id__iexact=find)
        | Q(slug__iexact=find)
        | Q(Exists(members))
    )
