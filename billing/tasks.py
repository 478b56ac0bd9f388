"""Periodic work on money."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from billing.actions.acknowledging import escalate_alerts
from billing.actions.alerts import evaluate_limits
from billing.actions.credit import write_off_ended_credit
from billing.actions.credit_notices import warn_of_credit_that_ends
from billing.actions.cycles import close_due_cycles
from billing.actions.forecast_alerts import evaluate_forecasts
from billing.actions.kept_answers import forget_kept_answers
from billing.actions.quota import expire_requests
from billing.actions.raises import announce_ending_raises, revert_ended_raises
from billing.actions.reconciliation import (
    carry_out_next,
    forget_old_reconciliations,
    request_due_reconciliations,
)
from billing.actions.reports import send_reports
from billing.actions.scope_mending import mend_scope_budgets
from billing.actions.sweep import charge_orphaned_holds
from billing.actions.unusual_alerts import evaluate_spend
from billing.actions.upkeep import prove_audit, prove_books
from billing.actions.usage_posting import post_usage
from billing.payments import payment_provider
from billing.payments.charging import charge_due_invoices, forget_unused_cards
from core.outages import postponed_without_database


@shared_task(name="billing.evaluate_limits")
@postponed_without_database
def evaluate_all_limits(**_unknown: object) -> None:
    evaluate_limits(now=timezone.now())


@shared_task(name="billing.evaluate_forecasts")
@postponed_without_database
def evaluate_all_forecasts(**_unknown: object) -> None:
    evaluate_forecasts(now=timezone.now())


@shared_task(name="billing.evaluate_spend")
@postponed_without_database
def evaluate_all_spend(**_unknown: object) -> None:
    evaluate_spend(now=timezone.now())


@shared_task(name="billing.escalate_alerts")
@postponed_without_database
def escalate_unseen_alerts(**_unknown: object) -> None:
    escalate_alerts(now=timezone.now())


@shared_task(name="billing.sweep_orphaned_holds")
@postponed_without_database
def sweep_orphaned_holds(**_unknown: object) -> None:
    # First: a charge takes from parts what is held, which must be there.
    mend_scope_budgets()
    while charge_orphaned_holds(dead_after_s=settings.SWEEP_INTERVAL_S):
        pass  # a batch was charged; there may be more


@shared_task(name="billing.forget_kept_answers")
@postponed_without_database
def forget_answers(**_unknown: object) -> None:
    while forget_kept_answers(now=timezone.now()):
        pass  # a batch was forgotten; there may be more


@shared_task(name="billing.post_usage")
@postponed_without_database
def post_usage_to_ledger(**_unknown: object) -> None:
    post_usage(now=timezone.now())


@shared_task(name="billing.write_off_credit")
@postponed_without_database
def write_off_credit(**_unknown: object) -> None:
    write_off_ended_credit(now=timezone.now())


@shared_task(name="billing.keep_quota")
@postponed_without_database
def keep_quota(**_unknown: object) -> None:
    now = timezone.now()
    revert_ended_raises(now=now)
    announce_ending_raises(now=now)
    expire_requests(now=now)


@shared_task(name="billing.close_cycles")
@postponed_without_database
def close_cycles(**_unknown: object) -> None:
    close_due_cycles(now=timezone.now())


@shared_task(name="billing.warn_of_credit")
@postponed_without_database
def warn_of_credit(**_unknown: object) -> None:
    warn_of_credit_that_ends(now=timezone.now())


@shared_task(name="billing.send_reports")
@postponed_without_database
def send_due_reports(**_unknown: object) -> None:
    send_reports(now=timezone.now())


# It may take long, and is not to be taken for lost and begun again meanwhile.
@shared_task(
    name="billing.prove", acks_late=False, soft_time_limit=3300, time_limit=3600
)
@postponed_without_database
def prove(**_unknown: object) -> None:
    if settings.NIGHTLY_PROOFS:
        prove_books(now=timezone.now())
        prove_audit(now=timezone.now())


# Providers are slow, and may ask to be asked again later.
@shared_task(name="billing.reconcile", soft_time_limit=240, time_limit=270)
@postponed_without_database
def reconcile(**_unknown: object) -> None:
    now = timezone.now()
    request_due_reconciliations(now=now)
    forget_old_reconciliations(now=now)
    carry_out_next(now=now)


@shared_task(name="billing.charge_invoices")
@postponed_without_database
def charge_invoices(**_unknown: object) -> None:
    provider = payment_provider()
    if provider is not None:
        charge_due_invoices(provider, now=timezone.now())
        forget_unused_cards(provider, now=timezone.now())
