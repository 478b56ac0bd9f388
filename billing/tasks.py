"""Periodic work on money."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from billing.actions.alerts import evaluate_limits
from billing.actions.sweep import charge_orphaned_holds
from core.outages import postponed_without_database


@shared_task(name="billing.evaluate_limits")
@postponed_without_database
def evaluate_all_limits(**_unknown: object) -> None:
    evaluate_limits(now=timezone.now())


@shared_task(name="billing.sweep_orphaned_holds")
@postponed_without_database
def sweep_orphaned_holds(**_unknown: object) -> None:
    while charge_orphaned_holds(dead_after_s=settings.SWEEP_INTERVAL_S):
        pass  # a batch was charged; there may be more
