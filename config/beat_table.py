"""The one table of periodic work: which task, and how often."""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab
from django.conf import settings

# A turn that waited for so many intervals is dropped: later ones do its work.
TURNS_KEPT = 4
QUEUE = "celery"
# The header of a message that says since when it waits.
PUBLISHED_AT = "published_at"


def every(interval_s: float, task: str) -> dict[str, Any]:
    """Return a beat entry whose messages do not pile up while no worker runs."""
    return {
        "task": task,
        "schedule": interval_s,
        "options": {"expires": interval_s * TURNS_KEPT},
    }


BEAT_TABLE: dict[str, dict[str, Any]] = {
    "roll up usage records": every(2.0, "usage.roll_up"),
    "evaluate limits": every(5.0, "billing.evaluate_limits"),
    "evaluate forecasts": every(300.0, "billing.evaluate_forecasts"),
    "look for unusual spend": every(300.0, "billing.evaluate_spend"),
    "escalate alerts": every(30.0, "billing.escalate_alerts"),
    "send the outbox": every(5.0, "orgs.send_outbox"),
    "deliver webhooks": every(5.0, "keys.deliver_webhooks"),
    "forget old webhooks": every(3600.0, "keys.forget_deliveries"),
    "anchor the audit log": every(3600.0, "orgs.anchor_audit"),
    "end viewings": every(60.0, "orgs.end_viewings"),
    "sweep orphaned holds": every(
        settings.SWEEP_INTERVAL_S, "billing.sweep_orphaned_holds"
    ),
    "post usage to the ledger": every(60.0, "billing.post_usage"),
    "close billing cycles": every(60.0, "billing.close_cycles"),
    "charge invoices": every(60.0, "billing.charge_invoices"),
    "warn of keys that expire": every(600.0, "keys.warn_of_expiry"),
    "write off ended credit": every(60.0, "billing.write_off_credit"),
    "warn of credit that ends": every(60.0, "billing.warn_of_credit"),
    "revert temporary raises": every(30.0, "billing.keep_quota"),
    "send reports": every(600.0, "billing.send_reports"),
    "forget kept answers": every(600.0, "billing.forget_kept_answers"),
    "forget old refusals": every(3600.0, "usage.forget_refusals"),
    "compare providers' bills": every(15.0, "billing.reconcile"),
    "make partitions": {
        "task": "usage.make_partitions",
        "schedule": crontab(hour="3", minute="17"),
        "options": {"expires": 3600.0},
    },
    "prove books and audit log": {
        "task": "billing.prove",
        "schedule": crontab(hour="4", minute="41"),
        "options": {"expires": 3600.0},
    },
}
