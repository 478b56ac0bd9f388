"""Reads for the pages of money: where an organization stands in its billing cycle."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate

from billing.forecast import Forecast
from billing.forecast_queries import forecast_of
from billing.funding import funding_of, grants_of
from billing.gateway_models import GatewaySettings
from billing.limits import Funding, Headroom, headroom
from billing.models import (
    Alert,
    AlertKind,
    BillingProfile,
    Hold,
)
from billing.threshold_queries import ReachableLimit, lower_of, reachable_limits
from core.periods import Interval, cycle_interval, cycle_of, previous_cycle
from keys.models import ApiKey, ProviderKey
from orgs.models import Organization
from usage.amounts import Usage, total_of
from usage.dimensions import Dimension
from usage.queries import usage_of, watermark
from usage.records import records_beyond_hold
from usage.spans import Span
from usage.unpriced import UnpricedModel, unpriced_models_of

# Rollups are made every two seconds; this late, something stands still.
STALE_AFTER = timedelta(seconds=60)


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


@dataclass(frozen=True, slots=True)
class Freshness:
    """
    How complete the figures of a page are.

    `pending_nanos` is spent, but not in the figures yet.
    """

    as_of: datetime
    is_stale: bool
    requests_under_way: int
    held_nanos: int
    estimated_requests: int
    pending_nanos: int


@dataclass(frozen=True, slots=True)
class Overview:
    """All that the overview of an organization shows."""

    standing: Standing
    usage: Usage
    today: date
    forecast: Forecast | None
    hard_limit_at: datetime | None
    change_percent: int | None
    credit_expires_at: datetime | None
    freshness: Freshness
    has_provider_key: bool
    has_api_key: bool
    # Requests of this cycle that cost more than was held for them.
    beyond_hold: int
    # What was used and has no price: it is in no figure.
    unpriced: tuple[UnpricedModel, ...]

    @property
    def unpriced_models(self) -> set[str]:
        return {each.model for each in self.unpriced}

    @property
    def spent_by_day(self) -> list[int]:
        """The spend since the start of the cycle, up to each day until today."""
        costs = [amounts.cost_nanos for amounts in self.usage.by_period]
        until = (self.today - self.usage.days[0]).days + 1
        return list(accumulate(costs))[:until]


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


def overview_of(organization: Organization, *, now: datetime) -> Overview:
    """Return the overview of the current cycle."""
    span = Span.of_cycle(cycle_of(now))
    # The figures first: what is booked while we read counts as pending, not as lost.
    as_of = watermark().as_of
    usage = usage_of(organization, span, dimension=Dimension.MODEL)
    standing = standing_of(organization, now=now)
    spent_nanos = usage.total.cost_nanos
    hard_limit = standing.funding.hard_limit_nanos
    forecast = forecast_of(organization, now=now)
    return Overview(
        standing=standing,
        usage=usage,
        today=now.date(),
        forecast=forecast,
        hard_limit_at=(
            None
            if hard_limit is None or forecast is None
            else forecast.reached_at(hard_limit)
        ),
        change_percent=change_against_previous_cycle(organization, usage, now=now),
        credit_expires_at=credit_expiry(organization, standing.funding, now=now),
        freshness=Freshness(
            as_of=as_of,
            is_stale=now - as_of > STALE_AFTER,
            requests_under_way=Hold.objects.filter(organization=organization).count(),
            held_nanos=standing.funding.held_nanos,
            estimated_requests=usage.total.estimated_requests,
            pending_nanos=standing.funding.spent_nanos - spent_nanos,
        ),
        has_provider_key=has_provider_key(organization),
        has_api_key=ApiKey.objects.usable_in(organization).live(at=now).exists(),
        beyond_hold=records_beyond_hold(
            organization, cycle_start=cycle_of(now)
        ).count(),
        unpriced=tuple(unpriced_models_of(organization, span)),
    )


def has_provider_key(organization: Organization) -> bool:
    """Staging needs none: the sandbox serves it."""
    if organization.is_staging:
        return True
    return ProviderKey.objects.filter(organization=organization).exists()


def change_against_previous_cycle(
    organization: Organization, usage: Usage, *, now: datetime
) -> int | None:
    """
    Return by how many percent the cycle's whole days cost more than the previous's.

    Compares as many days of both. None means that there is nothing to compare.
    """
    whole_days = (now.date() - usage.days[0]).days
    before = Span.of_cycle(previous_cycle(usage.days[0])).days[:whole_days]
    if not before:
        return None
    past = usage_of(organization, Span(before[0], before[-1])).total.cost_nanos
    spent = total_of(usage.by_period[: len(before)]).cost_nanos
    return round(100 * (spent - past) / past) if past > 0 else None


def credit_expiry(
    organization: Organization, funding: Funding, *, now: datetime
) -> datetime | None:
    """Return when the first of the credit that funds the organization expires."""
    if not funding.credit_nanos:
        return None
    live = [each for each in grants_of(organization, now=now) if each.is_live]
    return min((each.ends_at for each in live if each.ends_at), default=None)


def profile_of(organization: Organization) -> BillingProfile | None:
    """Return the billing information and who changed it last."""
    rows = BillingProfile.objects.select_related("updated_by")
    return rows.filter(organization=organization).first()


def gateway_settings_of(organization: Organization) -> GatewaySettings:
    """Return the gateway settings in force and who changed them last."""
    rows = GatewaySettings.objects.select_related("updated_by")
    found = rows.filter(organization=organization).first()
    return found or GatewaySettings(organization=organization)
