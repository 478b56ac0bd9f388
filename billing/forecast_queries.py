"""The forecast of an organization: one for pages, mails, alerts and the operator."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.db.models import Sum
from django.db.models.functions import TruncDate

from billing.forecast import CYCLES_NEEDED, Forecast, forecast_of_cycle
from core.periods import cycle_interval, cycle_of, previous_cycle, start_of_day
from orgs.models import Organization
from usage.models import UsageHour
from usage.spans import EDGE, Span


def forecast_of(organization: Organization, *, now: datetime) -> Forecast | None:
    """Return where the current cycle's spend is going; None if it is too early."""
    cycle = cycle_of(now)
    first = cycle
    for _ in range(CYCLES_NEEDED - 1):
        first = previous_cycle(first)
    costs = costs_by_day(organization, first)
    return forecast_of_cycle(costs, cycle_interval(cycle), now=now)


def costs_by_day(organization: Organization, first_cycle: date) -> dict[date, int]:
    """
    Return what each day cost since a cycle, in nano-dollars.

    A cycle's days add up to what it pays for, as on the pages.
    """
    rows = UsageHour.objects.filter(
        organization=organization,
        cycle_start__gte=first_cycle,
        hour__gte=start_of_day(first_cycle) - EDGE,
    )
    sums = (
        rows.annotate(day=TruncDate("hour", tzinfo=UTC))
        .order_by()
        .values_list("cycle_start", "day")
        .annotate(nanos=Sum("cost_nanos"))
    )
    costs: dict[date, int] = {}
    for cycle, day, nanos in sums:
        shown = Span.of_cycle(cycle).day_within(day)
        costs[shown] = costs.get(shown, 0) + nanos
    return costs
