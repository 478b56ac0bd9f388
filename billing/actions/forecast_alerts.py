"""Tell people that the spend is on course for a threshold: once for each and cycle."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction

from billing.actions.announcing import announce
from billing.alert_models import Basis, SoftLimit
from billing.forecast_queries import forecast_of
from billing.models import Alert, AlertKind, Budget
from billing.threshold_queries import thresholds_of
from core.periods import cycle_of
from orgs.models import Organization

logger = logging.getLogger(__name__)


def evaluate_forecasts(*, now: datetime) -> int:
    """
    Write an alert for each threshold that the forecast reaches, and queue the mails.

    Returns how many were written. Safe to repeat and to run many times at once. What
    fails for one organization does not keep the others from theirs.

    :raises ExceptionGroup: of what failed, once all others are told.
    """
    told, failures = 0, []
    for organization in organizations_that_ask():
        try:
            told += tell_of_forecast(organization, now=now)
        except (OperationalError, InterfaceError):
            # The database is away or busy: for all of them.
            raise
        except Exception as error:
            logger.exception("forecast_not_told organization=%d", organization.pk)
            failures.append(error)
    if failures:
        raise ExceptionGroup("forecasts were not told", failures)
    return told


def organizations_that_ask() -> list[Organization]:
    thresholds = SoftLimit.objects.filter(basis=Basis.FORECAST)
    asking = Organization.objects.filter(
        deleted_at__isnull=True, pk__in=thresholds.values("organization")
    )
    return list(asking.order_by("pk"))


@transaction.atomic
def tell_of_forecast(organization: Organization, *, now: datetime) -> int:
    """
    Write an organization's alerts of this cycle that are due, and tell of them.

    A threshold that is reached before there is a forecast counts as well.
    """
    budget = Budget.objects.filter(
        organization=organization, cycle_start=cycle_of(now)
    ).first()
    spent_nanos = budget.spent_nanos if budget else 0
    forecast = forecast_of(organization, now=now)
    course_nanos = max(forecast.end_nanos if forecast else 0, spent_nanos)
    written = []
    for amount_nanos in due_amounts(organization, course_nanos):
        alert, is_new = Alert.objects.get_or_create(
            organization=organization,
            kind=AlertKind.FORECAST_LIMIT,
            cycle_start=cycle_of(now),
            limit_nanos=amount_nanos,
            defaults={
                "spent_nanos": spent_nanos,
                "forecast_nanos": course_nanos,
                "reached_at": (forecast.reached_at(amount_nanos) if forecast else None),
                "created_at": now,
            },
        )
        if is_new:
            written.append(alert)
    announce(organization, written, now=now)
    return len(written)


def due_amounts(organization: Organization, course_nanos: int) -> list[int]:
    """Return the amounts of the thresholds that a forecast reaches, lowest first."""
    amounts = {
        each.amount_nanos
        for each in thresholds_of(organization)
        if each.is_forecast and each.amount_nanos and each.amount_nanos <= course_nanos
    }
    return sorted(amounts)
