"""Tell owners that a limit was reached: once per amount and billing cycle."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction

from billing.alert_mail import queue_hard_limit_mail, queue_soft_limit_mail
from billing.models import Alert, AlertKind
from core.periods import cycle_interval, cycle_of, previous_cycle
from orgs.models import Organization

logger = logging.getLogger(__name__)

# A charge of the last seconds of a cycle is booked after its end.
LATE_CHARGES = timedelta(days=1)

# What counts as reached: the amount is spent, or a hard limit refused a request when
# it was all but spent. A limit set after the cycle does not count for it, and a hard
# limit is told while it refuses requests.
REACHED = """
SELECT soft.organization_id, 'soft_limit' AS kind, soft.amount_nanos AS limit_nanos,
       budget.cycle_start, budget.spent_nanos
FROM billing_softlimit AS soft
JOIN billing_budget AS budget USING (organization_id)
WHERE budget.cycle_start = %(cycle_start)s AND soft.created_at < %(cycle_end)s
    AND budget.spent_nanos >= soft.amount_nanos
UNION ALL
SELECT limits.organization_id, 'hard_limit', limits.hard_limit_nanos,
       budget.cycle_start, budget.spent_nanos
FROM billing_spendlimits AS limits
JOIN billing_budget AS budget USING (organization_id)
WHERE budget.cycle_start = %(cycle_start)s AND %(now)s < %(cycle_end)s
    AND (
        budget.spent_nanos >= limits.hard_limit_nanos
        OR EXISTS (
            SELECT FROM billing_limitrefusal AS refusal
            WHERE refusal.organization_id = limits.organization_id
                AND refusal.cycle_start = budget.cycle_start
                AND refusal.limit_nanos = limits.hard_limit_nanos
        )
    )
"""
NEWS = f"""
SELECT reached.* FROM ({REACHED}) AS reached
WHERE NOT EXISTS (
    SELECT FROM billing_alert AS alert
    WHERE alert.organization_id = reached.organization_id
        AND alert.kind = reached.kind
        AND alert.cycle_start = reached.cycle_start
        AND alert.limit_nanos = reached.limit_nanos
)
"""  # noqa: S608 - our own statement
ORGANIZATIONS_WITH_NEWS = f"""
SELECT DISTINCT organization_id FROM ({NEWS}) AS news ORDER BY organization_id
"""  # noqa: S608 - our own statement
# Of two evaluations at once, the unique constraint lets one write each alert; in one
# order, so that they do not wait for each other.
WRITE_ALERTS = f"""
INSERT INTO billing_alert
    (organization_id, kind, cycle_start, limit_nanos, spent_nanos, created_at)
SELECT organization_id, kind, cycle_start, limit_nanos, spent_nanos, %(now)s
FROM ({NEWS}) AS news
WHERE organization_id = %(organization_id)s
ORDER BY kind, limit_nanos
ON CONFLICT ON CONSTRAINT alert_once_per_limit_and_cycle DO NOTHING
RETURNING id
"""  # noqa: S608 - our own statement


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
    """Write an organization's alerts; queue one mail per kind, for the highest."""
    values = parameters(cycle_start, now) | {"organization_id": organization_id}
    ids = [alert_id for (alert_id,) in fetch(WRITE_ALERTS, values)]
    if not ids:
        return 0
    organization = Organization.objects.get(pk=organization_id)
    alerts = list(Alert.objects.filter(pk__in=ids).order_by("-limit_nanos"))
    soft = [alert for alert in alerts if alert.kind == AlertKind.SOFT_LIMIT]
    hard = [alert for alert in alerts if alert.kind == AlertKind.HARD_LIMIT]
    if soft:
        queue_soft_limit_mail(organization, soft, now=now)
    for alert in hard:
        queue_hard_limit_mail(organization, alert, now=now)
    return len(alerts)


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
