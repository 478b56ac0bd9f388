"""Periodic work: outgoing mail, anchors of the audit log, viewings that are over."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.outages import postponed_without_database
from orgs.actions import end_viewings_that_are_over
from orgs.actions.anchors import anchor_audit_chains, mail_audit_anchors
from orgs.outbox import send_due_mail


@shared_task(name="orgs.send_outbox")
@postponed_without_database
def send_outbox(**_unknown: object) -> None:
    send_due_mail(now=timezone.now())


@shared_task(name="orgs.anchor_audit")
@postponed_without_database
def anchor_audit(**_unknown: object) -> None:
    anchor_audit_chains(now=timezone.now())
    mail_audit_anchors(now=timezone.now())


@shared_task(name="orgs.end_viewings")
@postponed_without_database
def end_viewings(**_unknown: object) -> None:
    end_viewings_that_are_over(now=timezone.now())
