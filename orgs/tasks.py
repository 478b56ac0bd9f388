"""Periodic work on outgoing mail."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.outages import postponed_without_database
from orgs.outbox import send_due_mail


@shared_task(name="orgs.send_outbox")
@postponed_without_database
def send_outbox(**_unknown: object) -> None:
    send_due_mail(now=timezone.now())
