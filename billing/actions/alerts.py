"""Tell people that a limit was reached: once per amount and billing cycle."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction

from billing.actions.announcing import announce
from billing.alert_sql import ORGANIZATIONS_WITH_NEWS, WRITE_ALERTS
from billing.models import Alert
from core.periods import cycle_interval, cycle_of, previous_cycle
from orgs.models import Organization

logger = logging.getLogger(__name__)

# A charge of the last seconds of a cycle is booked after its end.
LATE_CHARGES = timedelta(days=1)


def evaluate_limits(*, now: datetime) -> int:
    """
    Write an alert for each limit that was reached and queue the mails of it.

    Returns how many alerts were written. Safe to repeat and to run many times at
    once: whoever writes an alert queues its mail, in one transaction. What fails for
    one organization does not keep the others from theirs.

    :raises ExceptionGroup: of what failed, once all others are told.
    """
    told, failures = 0, []
    for cycle_start in cycles_to_evaluate(now):
        for organization_id in organizations_with_news(cycle_start, now=now):
            try:
                told += tell(organization_id, cycle_start, now=now)
            except (OperationalError, InterfaceError):
                # The database is away or busy: for all of them.
                raise
            except Exception as error:
                logger.exception("limits_not_told organization=%d", organization_id)
                failures.append(error)
    if failures:
        raise ExceptionGroup("limits were not told", failures)
    return told


def cycles_to_evaluate(now: datetime) -> list[date]:
    current = cycle_of(now)
    if now - cycle_interval(current).start < LATE_CHARGES:
        return [previous_cycle(current), current]
    return [current]


def organizations_with_news(cycle_start: date, *, now: datetime) -> list[int]:
    rows = fetch(ORGANIZATIONS_WITH_NEWS, parameters(cycle_start, now))
    return [organization_id for (organization_id,) in rows]


@transaction.atomic
def tell(organization_id: int, cycle_start: date, *, now: datetime) -> int:
    """Write an organization's alerts, and tell of each kind in one mail."""
    values = parameters(cycle_start, now) | {"organization_id": organization_id}
    ids = [alert_id for (alert_id,) in fetch(WRITE_ALERTS, values)]
    if ids:
        organization = Organization.objects.get(pk=organization_id)
        announce(organization, Alert.objects.filter(pk__in=ids), now=now)
    return len(ids)


def parameters(cycle_start: date, now: datetime) -> dict[str, Any]:
    return {
        "cycle_start": cycle_start,
        "cycle_end": cycle_interval(cycle_start).end,
        "now": now,
    }


def fetch(statement: str, values: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
