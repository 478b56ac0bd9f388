"""Periodic work on keys."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.outages import postponed_without_database
from keys.actions import warn_of_expiry


@shared_task(name="keys.warn_of_expiry")
@postponed_without_database
def warn_of_expiring_keys(**_unknown: object) -> None:
    warn_of_expiry(now=timezone.now())
