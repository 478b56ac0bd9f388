"""Periodic work on usage."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from core.outages import postponed_without_database
from usage.actions import forget_refusals, roll_up
from usage.partitions import ensure_coming_partitions


@shared_task(name="usage.roll_up")
@postponed_without_database
def roll_up_records(**_unknown: object) -> None:
    roll_up(now=timezone.now())


@shared_task(name="usage.make_partitions")
@postponed_without_database
def make_partitions(**_unknown: object) -> None:
    ensure_coming_partitions(now=timezone.now())


@shared_task(name="usage.forget_refusals")
@postponed_without_database
def forget_old_refusals(**_unknown: object) -> None:
    kept = timedelta(days=settings.REFUSALS_KEPT_DAYS)
    while forget_refusals(kept=kept, now=timezone.now()):
        pass
