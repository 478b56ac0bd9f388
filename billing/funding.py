"""What an organization may spend right now, for pages and mails. Live, not locked."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Sum

from billing.limits import Funding
from billing.models import BillingProfile, Budget, CreditGrant, SpendLimits
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
    """Return unexpired, unconsumed credit in nano-dollars."""
    grants = CreditGrant.objects.filter(
        organization=organization, effective_at__lte=now, expires_at__gt=now
    )
    left = grants.aggregate(left=Sum(F("amount_nanos") - F("consumed_nanos")))["left"]
    return left or 0
