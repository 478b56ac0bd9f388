"""What an organization may spend right now, for pages and mails. Live, not locked."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Sum

from billing.credit import Grant, backing_nanos, in_order
from billing.limits import Funding
from billing.models import BillingProfile, Budget, CreditGrant, Hold, SpendLimits
from core.periods import cycle_of
from orgs.models import Organization


def funding_of(organization: Organization, *, now: datetime) -> Funding:
    """Return the funding of the current cycle, by the same rules as the gateway's."""
    budget = Budget.objects.filter(
        organization=organization, cycle_start=cycle_of(now)
    ).first()
    limits = SpendLimits.objects.filter(organization=organization).first()
    return Funding(
        hard_limit_nanos=limits.hard_limit_nanos if limits else None,
        approved_limit_nanos=limits.approved_limit_nanos if limits else None,
        credit_nanos=(
            credit_left(organization, now=now) if credit_binds(organization) else None
        ),
        spent_nanos=budget.spent_nanos if budget else 0,
        held_nanos=budget.held_nanos if budget else 0,
    )


def credit_binds(organization: Organization) -> bool:
    """Without billing information a production organization spends credit only."""
    return (
        not organization.is_staging
        and not BillingProfile.objects.filter(organization=organization).exists()
    )


def credit_left(organization: Organization, *, now: datetime) -> int:
    """
    Return the credit that stands behind what is held and what comes, in nano-dollars.

    By the same rules as the gateway's: what has ended counts for holds from before.
    """
    return backing_nanos(grants_of(organization, now=now))


def grants_of(organization: Organization, *, now: datetime) -> list[Grant]:
    """Return the grants that can pay, in the order in which they do."""
    rows = CreditGrant.objects.filter(
        organization=organization,
        effective_at__lte=now,
        written_off_at__isnull=True,
        consumed_nanos__lt=F("amount_nanos"),
    )
    return in_order(as_grant(row, now=now) for row in rows)


def as_grant(row: CreditGrant, *, now: datetime) -> Grant:
    ends_at = row.ends_at
    is_live = ends_at is None or ends_at > now
    return Grant(
        grant_id=row.pk,
        available_nanos=row.amount_nanos - row.consumed_nanos,
        expires_at=row.expires_at,
        priority=row.priority,
        ends_at=ends_at,
        is_live=is_live,
        held_before_nanos=0 if is_live else held_before(row, ends_at),
    )


def held_before(row: CreditGrant, instant: datetime | None) -> int:
    """Return what is held for requests from before an instant."""
    holds = Hold.objects.filter(
        organization_id=row.organization_id, created_at__lt=instant
    )
    return int(holds.aggregate(held=Sum("bound_nanos", default=0))["held"])
