"""Reads about quota requests: an organization's own, and the operator's queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from billing.forecast import Forecast
from billing.forecast_queries import forecast_of
from billing.models import (
    BillingProfile,
    Budget,
    QuotaRequest,
    QuotaStatus,
    SpendLimits,
    TemporaryRaise,
)
from core.periods import cycle_of, previous_cycle
from orgs.models import Organization, User
from orgs.queries import owners_of

CYCLES_SHOWN = 3
PAST_SHOWN = 20
ROWS_PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class CycleSpend:
    """What an organization spent in a billing cycle."""

    cycle_start: date
    spent_nanos: int


@dataclass(frozen=True, slots=True)
class Background:
    """What a decision about an organization's limit rests on."""

    organization: Organization
    approved_limit_nanos: int | None
    hard_limit_nanos: int | None
    raised: TemporaryRaise | None
    # The current cycle first.
    spend: tuple[CycleSpend, ...]
    forecast: Forecast | None
    profile: BillingProfile | None
    owners: tuple[User, ...]
    past: tuple[QuotaRequest, ...]

    @property
    def lasting_limit_nanos(self) -> int | None:
        """The approved limit that lasts: under a raise, what it reverts to."""
        if self.raised is not None:
            return self.raised.reverts_to_nanos
        return self.approved_limit_nanos


def background_of(organization: Organization, *, now: datetime) -> Background:
    """Return spend, forecast, limits and past requests of an organization."""
    limits = SpendLimits.objects.filter(organization=organization).first()
    spend = recent_spend(organization, now=now)
    return Background(
        organization=organization,
        approved_limit_nanos=limits.approved_limit_nanos if limits else None,
        hard_limit_nanos=limits.hard_limit_nanos if limits else None,
        raised=TemporaryRaise.objects.filter(
            organization=organization, ended_at__isnull=True
        ).first(),
        spend=spend,
        forecast=forecast_of(organization, now=now),
        profile=BillingProfile.objects.filter(organization=organization).first(),
        owners=tuple(owners_of(organization)),
        past=tuple(past_requests(organization)[:PAST_SHOWN]),
    )


def recent_spend(
    organization: Organization, *, now: datetime
) -> tuple[CycleSpend, ...]:
    """Return what the last cycles came to, the current one first."""
    cycles = [cycle_of(now)]
    while len(cycles) < CYCLES_SHOWN:
        cycles.append(previous_cycle(cycles[-1]))
    budgets = Budget.objects.filter(
        organization=organization, cycle_start__in=cycles
    ).values_list("cycle_start", "spent_nanos")
    spent = dict(budgets)
    return tuple(CycleSpend(cycle, spent.get(cycle, 0)) for cycle in cycles)


def past_requests(organization: Organization) -> QuerySet[QuotaRequest]:
    """Return an organization's requests that are not open, the newest first."""
    return (
        QuotaRequest.objects.filter(organization=organization)
        .exclude(status=QuotaStatus.PENDING)
        .select_related("requested_by", "decided_by", "raised")
        .order_by("-created_at", "-pk")
    )


def pending_request(organization: Organization) -> QuotaRequest | None:
    """Return an organization's request that is not decided yet."""
    rows = QuotaRequest.objects.select_related("requested_by")
    return rows.filter(organization=organization, status=QuotaStatus.PENDING).first()


def queue_page(*, decided: bool, number: str, now: datetime) -> Page[Any]:
    """
    Return a page of the operator's queue: the oldest first, or what is decided.

    Each has `limit_nanos`, the approved limit, and `spent_nanos` of the current cycle.
    """
    is_pending = Q(status=QuotaStatus.PENDING)
    budgets = Budget.objects.filter(
        organization=OuterRef("organization"), cycle_start=cycle_of(now)
    )
    rows = QuotaRequest.objects.filter(~is_pending if decided else is_pending)
    rows = rows.select_related("organization", "requested_by", "decided_by").annotate(
        limit_nanos=F("organization__spend_limits__approved_limit_nanos"),
        spent_nanos=Subquery(budgets.values("spent_nanos")),
    )
    order = "-decided_at" if decided else "created_at"
    return Paginator(rows.order_by(order, "pk"), ROWS_PER_PAGE).get_page(number)


def next_in_queue() -> QuotaRequest | None:
    """Return the request that waits longest."""
    pending = QuotaRequest.objects.filter(status=QuotaStatus.PENDING)
    return pending.order_by("created_at", "pk").first()
