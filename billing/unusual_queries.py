"""What hours cost, for telling whether one is unusual; and who spent in one that is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet, Sum

from billing.models import Alert
from billing.unusual import WEEKS_BACK, Hours, day_of
from orgs.models import Organization
from usage.dimensions import Dimension
from usage.models import UsageHour
from usage.names import named_groups

LARGEST_SHOWN = 3
# A day more than the weeks that are compared, for zones and the clocks' changes.
HISTORY = timedelta(weeks=WEEKS_BACK, days=2)
# Whatever the zone, today began within it.
TODAY_AT_MOST = timedelta(hours=26)


def organizations_spending(now: datetime) -> QuerySet[Organization]:
    """Return the organizations that used something of late."""
    used = UsageHour.objects.filter(hour__gte=now - TODAY_AT_MOST, cost_nanos__gt=0)
    return Organization.objects.filter(
        deleted_at__isnull=True, pk__in=used.values("organization")
    ).order_by("pk")


def costs_of_organization(organization: Organization, *, now: datetime) -> Hours:
    rows = history(organization, now).values("hour").annotate(nanos=Sum("cost_nanos"))
    return dict(rows.values_list("hour", "nanos"))


def costs_of_keys(
    organization: Organization, *, least_nanos: int, now: datetime
) -> Iterator[tuple[int, Hours]]:
    """Yield the history of each key that cost so much of late, one after the other."""
    late = UsageHour.objects.filter(
        organization=organization,
        hour__gte=now - TODAY_AT_MOST,
        api_key__isnull=False,
    )
    sums = late.order_by().values("api_key_id").annotate(nanos=Sum("cost_nanos"))
    spending = sums.filter(nanos__gte=least_nanos).order_by("-nanos", "api_key_id")
    for key_id in spending.values_list("api_key_id", flat=True):
        rows = history(organization, now).filter(api_key_id=key_id).values("hour")
        sums_by_hour = rows.annotate(nanos=Sum("cost_nanos"))
        yield key_id, dict(sums_by_hour.values_list("hour", "nanos"))


def history(organization: Organization, now: datetime) -> QuerySet[UsageHour]:
    return UsageHour.objects.filter(
        organization=organization, hour__gte=now - HISTORY
    ).order_by()


def unusual_spenders(alert: Alert) -> dict[str, Any]:
    """Return what cost most in an unusual hour or day; of a key, by model alone."""
    found = {"largest_models": largest(alert, Dimension.MODEL, "model")}
    if not alert.subject_id:
        found["largest_keys"] = largest(alert, Dimension.KEY, "api_key_id")
    return found


def largest(alert: Alert, dimension: Dimension, column: str) -> list[tuple[str, int]]:
    rows: Any = (
        hours_of(alert)
        .order_by()
        .values_list(column)
        .annotate(nanos=Sum("cost_nanos"))
        .filter(nanos__gt=0)
        .order_by("-nanos", column)[:LARGEST_SHOWN]
    )
    costs = [("" if value is None else str(value), nanos) for value, nanos in rows]
    groups = named_groups(dimension, [value for value, _ in costs])
    return [(groups[value].name, nanos) for value, nanos in costs]


def hours_of(alert: Alert) -> QuerySet[UsageHour]:
    """Return the sums that an unusual hour or day is of."""
    assert alert.happened_on is not None
    assert alert.began_at is not None
    rows = UsageHour.objects.filter(organization=alert.organization)
    if alert.subject_id:
        rows = rows.filter(api_key_id=alert.subject_id)
    if alert.is_day:
        day = day_of(alert.happened_on, alert.organization.time_zone)
        return rows.filter(hour__in=day.hours)
    return rows.filter(hour=alert.began_at)
