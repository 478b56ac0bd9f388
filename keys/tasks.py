"""Periodic work on keys and webhooks."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.outages import postponed_without_database
from keys.actions import warn_of_expiry
from keys.actions.webhook_delivery import deliver_due_webhooks, forget_old_deliveries


@shared_task(name="keys.warn_of_expiry")
@postponed_without_database
def warn_of_expiring_keys(**_unknown: object) -> None:
    warn_of_expiry(now=timezone.now())


# Receivers are slow; what is not noted in time is sent again.
@shared_task(name="keys.deliver_webhooks", soft_time_limit=240, time_limit=270)
@postponed_without_database
def deliver_webhooks(**_unknown: object) -> None:
    deliver_due_webhooks(now=timezone.now())


@shared_task(name="keys.forget_deliveries")
@postponed_without_database
def forget_deliveries(**_unknown: object) -> None:
    while forget_old_deliveries(now=timezone.now()):
        pass  # a batch was forgotten; there may be more
