"""What the overview of an organization shows, read from roll-ups and live budgets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate

from billing.forecast import Forecast
from billing.forecast_queries import forecast_of
from billing.funding import grants_of
from billing.limits import Funding
from billing.models import Hold
from billing.queries import Standing, standing_of
from core.periods import cycle_of, previous_cycle
from core.zones import zone_called
from keys.models import ApiKey, ProviderKey
from orgs.models import Membership, Organization
from usage.amounts import Amounts, Usage, total_of
from usage.comparisons import GroupSums, largest_groups
from usage.dimensions import Dimension, Group
from usage.models import UsageHour
from usage.queries import usage_of, watermark
from usage.records import records_beyond_hold
from usage.spans import Span
from usage.unpriced import NEWEST_MAX, newest_unpriced

# Rollups are made every two seconds; this late, something stands still.
STALE_AFTER = timedelta(seconds=60)
RANKED_MAX = 5


@dataclass(frozen=True, slots=True)
class Compared:
    """The whole days of this cycle, and as many of the one before."""

    days: int
    now: Amounts
    before: Amounts

    @property
    def percent(self) -> int | None:
        """By how much they cost more; None where there was nothing to compare with."""
        return percent_more(self.now.cost_nanos, self.before.cost_nanos)


@dataclass(frozen=True, slots=True)
class RankedGroup:
    """A model or key with its cycle so far, and what changed in the days compared."""

    group: Group
    total: Amounts
    compared: Compared | None

    @property
    def is_new(self) -> bool:
        """It cost something in the days compared, and did not before."""
        both = self.compared
        return both is not None and both.now.cost_nanos > 0 == both.before.cost_nanos


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
    # Nothing to compare with before the cycle's second day.
    compared: Compared | None
    top_models: tuple[RankedGroup, ...]
    # A reader's own.
    top_keys: tuple[RankedGroup, ...]
    # What a reader used of it all; None for an owner.
    own: Amounts | None
    # Something was used before this cycle.
    has_history: bool
    credit_expires_at: datetime | None
    freshness: Freshness
    has_provider_key: bool
    has_api_key: bool
    # Requests of this cycle that cost more than was held for them.
    beyond_hold: int
    # Requests of models without a price, of each the newest: they are in no figure.
    unpriced: Counter[str]

    @property
    def unpriced_words(self) -> str:
        """How many requests have no price; of a flood only that it is one."""
        count = self.unpriced.total()
        return f"{count:,}{' or more' if count >= NEWEST_MAX else ''}"

    @property
    def spent_by_day(self) -> list[int]:
        """The spend since the start of the cycle, up to each day until today."""
        costs = [amounts.cost_nanos for amounts in self.usage.by_period]
        until = (self.today - self.usage.days[0]).days + 1
        return list(accumulate(costs))[:until]


def overview_of(viewer: Membership, *, now: datetime) -> Overview:
    """
    Return the overview of the current cycle.

    The totals are the organization's to everybody; a reader's keys are their own.
    """
    organization = viewer.organization
    span = Span.of_cycle(cycle_of(now))
    # The figures first: what is booked while we read counts as pending, not as lost.
    as_of = watermark().as_of
    usage = usage_of(organization, span)
    standing = standing_of(organization, now=now)
    forecast = forecast_of(organization, now=now)
    days = days_to_compare(now)
    # All of them: they are few, and the total of the days compared is theirs.
    models = cycle_by_group(viewer, span, days, Dimension.MODEL, count=None)
    keys = cycle_by_group(viewer, span, days, Dimension.KEY, count=RANKED_MAX)
    return Overview(
        standing=standing,
        usage=usage,
        today=now.date(),
        forecast=forecast,
        hard_limit_at=hard_limit_at(standing, forecast),
        compared=total_compared(models, days),
        top_models=ranked(models, days),
        top_keys=ranked(keys, days),
        own=own_part(viewer, span),
        has_history=bool(usage.total.requests)
        or UsageHour.objects.filter(organization=organization).exists(),
        credit_expires_at=credit_expiry(organization, standing.funding, now=now),
        freshness=freshness_of(organization, standing, usage, as_of=as_of, now=now),
        has_provider_key=has_provider_key(organization),
        has_api_key=ApiKey.objects.usable_in(organization).live(at=now).exists(),
        beyond_hold=records_beyond_hold(
            organization, cycle_start=cycle_of(now)
        ).count(),
        unpriced=newest_unpriced(organization, span),
    )


def hard_limit_at(standing: Standing, forecast: Forecast | None) -> datetime | None:
    """Return when the hard limit is reached at this pace, if it is in this cycle."""
    limit = standing.funding.hard_limit_nanos
    return forecast.reached_at(limit) if forecast and limit is not None else None


def freshness_of(
    organization: Organization,
    standing: Standing,
    usage: Usage,
    *,
    as_of: datetime,
    now: datetime,
) -> Freshness:
    return Freshness(
        as_of=as_of,
        is_stale=now - as_of > STALE_AFTER,
        requests_under_way=Hold.objects.filter(organization=organization).count(),
        held_nanos=standing.funding.held_nanos,
        estimated_requests=usage.total.estimated_requests,
        pending_nanos=standing.funding.spent_nanos - usage.total.cost_nanos,
    )


def days_to_compare(now: datetime, zone_name: str = "UTC") -> tuple[Span, Span] | None:
    """
    Return the whole days of this cycle, and as many of the one before.

    The cycle before may be the shorter one: then as many as it has. None on the
    first day, when nothing is whole yet.
    """
    cycle = cycle_of(now)
    today = now.astimezone(zone_called(zone_name)).date()
    before = previous_cycle(cycle)
    count = min((today - cycle).days, (cycle - before).days)
    if count <= 0:
        return None
    rest = timedelta(days=count - 1)
    return (
        Span(cycle, cycle + rest, zone_name=zone_name),
        Span(before, before + rest, zone_name=zone_name),
    )


def cycle_by_group(
    viewer: Membership,
    span: Span,
    days: tuple[Span, Span] | None,
    dimension: Dimension,
    *,
    count: int | None,
) -> list[GroupSums]:
    """Return what groups used in a cycle and in the days compared, largest first."""
    return largest_groups(
        viewer.organization,
        (span, *(days or ())),
        dimension=dimension,
        viewer=viewer,
        count=count,
    )


def total_compared(
    models: list[GroupSums], days: tuple[Span, Span] | None
) -> Compared | None:
    if days is None:
        return None
    now, before = (total_of(each.by_span[n] for each in models) for n in (1, 2))
    return Compared(len(days[0].days), now, before)


def ranked(
    groups: list[GroupSums], days: tuple[Span, Span] | None
) -> tuple[RankedGroup, ...]:
    """Return the largest of those that were used in the cycle, with what changed."""
    used = [each for each in groups if each.by_span[0].requests]
    return tuple(
        RankedGroup(each.group, each.by_span[0], compared_of(each, days))
        for each in used[:RANKED_MAX]
    )


def compared_of(each: GroupSums, days: tuple[Span, Span] | None) -> Compared | None:
    return None if days is None else Compared(len(days[0].days), *each.by_span[1:])


def own_part(viewer: Membership, span: Span) -> Amounts | None:
    """Return what a reader used in a span, by keys of their own."""
    if viewer.is_owner:
        return None
    own = largest_groups(
        viewer.organization,
        [span],
        dimension=Dimension.MEMBER,
        viewer=viewer,
        count=1,
    )
    return own[0].by_span[0] if own else Amounts()


def percent_more(now: int, before: int) -> int | None:
    return round(100 * (now - before) / before) if before > 0 else None


def has_provider_key(organization: Organization) -> bool:
    """Staging needs none: the sandbox serves it."""
    if organization.is_staging:
        return True
    return ProviderKey.objects.filter(organization=organization).exists()


def credit_expiry(
    organization: Organization, funding: Funding, *, now: datetime
) -> datetime | None:
    """Return when the first of the credit that funds the organization expires."""
    if not funding.credit_nanos:
        return None
    live = [each for each in grants_of(organization, now=now) if each.is_live]
    return min((each.ends_at for each in live if each.ends_at), default=None)
