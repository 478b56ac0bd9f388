"""Reads for the pages of money: where an organization stands in its billing cycle."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing.funding import funding_of
from billing.gateway_models import GatewaySettings
from billing.limits import Funding, Headroom, headroom
from billing.models import (
    Alert,
    AlertKind,
    BillingProfile,
)
from billing.threshold_queries import ReachableLimit, lower_of, reachable_limits
from core.periods import Interval, cycle_interval, cycle_of
from orgs.models import Organization


@dataclass(frozen=True, slots=True)
class Standing:
    """What may be spent and what sets the limits, live; the cycle is the current."""

    cycle: Interval
    funding: Funding
    headroom: Headroom
    # Those that compare with what is spent, by their amounts.
    soft_limits: tuple[ReachableLimit, ...]
    # The hard limit is reached: the worker found so, and told the owners.
    is_enforcing: bool

    @property
    def used_nanos(self) -> int:
        """Spent, and set aside for requests under way."""
        return self.funding.spent_nanos + self.funding.held_nanos

    @property
    def reached_soft_limits(self) -> list[ReachableLimit]:
        spent = self.funding.spent_nanos
        return [limit for limit in self.soft_limits if limit.amount_nanos <= spent]


def standing_of(organization: Organization, *, now: datetime) -> Standing:
    """Return where the organization stands right now."""
    funding = funding_of(organization, now=now)
    return Standing(
        cycle=cycle_interval(cycle_of(now)),
        funding=funding,
        headroom=headroom(funding),
        soft_limits=reachable_limits(
            organization,
            lower_of(funding.hard_limit_nanos, funding.approved_limit_nanos),
        ),
        is_enforcing=is_enforcing(organization, funding, now=now),
    )


def is_enforcing(
    organization: Organization, funding: Funding, *, now: datetime
) -> bool:
    """Say whether the present hard limit was found reached in this cycle."""
    return Alert.objects.filter(
        organization=organization,
        kind=AlertKind.HARD_LIMIT,
        cycle_start=cycle_of(now),
        limit_nanos=funding.hard_limit_nanos or 0,
    ).exists()


def profile_of(organization: Organization) -> BillingProfile | None:
    """Return the billing information and who changed it last."""
    rows = BillingProfile.objects.select_related("updated_by")
    return rows.filter(organization=organization).first()


def gateway_settings_of(organization: Organization) -> GatewaySettings:
    """Return the gateway settings in force and who changed them last."""
    rows = GatewaySettings.objects.select_related("updated_by")
    found = rows.filter(organization=organization).first()
    return found or GatewaySettings(organization=organization)
