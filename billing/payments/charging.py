"""Have cards pay what is due: the provider between two short transactions."""

from __future__ import annotations

import logging
import time
from datetime import datetime

from billing.actions.cards import remove_card
from billing.actions.charges import (
    Attempt,
    Booked,
    book_charge,
    note_prepared,
    note_refused,
    note_unanswered,
    queue_charges,
    take_charge,
)
from billing.payment_queries import cards_of_deleted_organizations, due_charges
from billing.payments.seam import (
    PAYING,
    Charge,
    PaymentProvider,
    ProviderAway,
    ProviderRefuses,
)

logger = logging.getLogger(__name__)

# A turn ends before the worker would end it; the rest waits for the next one.
TURN_S = 40.0
FOR_THE_OPERATOR = (Booked.PAID_TWICE, Booked.OTHER_AMOUNT)


def charge_due_invoices(provider: PaymentProvider, *, now: datetime) -> None:
    """
    Charge what is due, one after the other, for as long as a turn lasts.

    Safe to repeat and to run many times at once: each charge is taken by one.
    """
    queue_charges(now=now)
    ends_at = time.monotonic() + TURN_S
    for charge_pk in due_charges(now=now):
        if time.monotonic() > ends_at:
            break
        attempt = take_charge(charge_pk=charge_pk, now=now)
        if attempt is not None:
            try_to_charge(provider, attempt, now=now)


def try_to_charge(
    provider: PaymentProvider, attempt: Attempt, *, now: datetime
) -> None:
    """Ask the provider for one charge that is taken, and book the answer."""
    try:
        outcome = paid_by_card(provider, attempt)
    except ProviderAway as error:
        logger.warning("charge_unanswered charge=%d reason=%s", attempt.pk, error)
        note_unanswered(attempt=attempt, now=now)
    except ProviderRefuses as error:
        note_refused(attempt=attempt, reason=str(error), now=now)
    else:
        booked = book_charge(outcome=outcome, now=now)
        if booked in FOR_THE_OPERATOR:
            # Its event tells the operator by mail.
            logger.error("charge_needs_a_look charge=%d what=%s", attempt.pk, booked)


def paid_by_card(provider: PaymentProvider, attempt: Attempt) -> Charge:
    """Return what became of a charge; made before a card is asked, and named here."""
    charge_id = attempt.charge_id
    if not charge_id:
        charge_id = provider.prepare(attempt.wish).charge_id
        note_prepared(attempt=attempt, charge_id=charge_id)
    elif not attempt.method_id:
        return provider.charge(charge_id=charge_id)
    else:
        # A credit note may have changed what is due since it was prepared.
        wanted = attempt.wish.amount_cents
        found = provider.amend(charge_id=charge_id, amount_cents=wanted)
        if found.state in PAYING:
            return found
    return provider.pay(charge_id=charge_id, method_id=attempt.method_id)


def forget_unused_cards(provider: PaymentProvider, *, now: datetime) -> None:
    """Forget the cards of organizations that were deleted."""
    for account in cards_of_deleted_organizations():
        try:
            provider.forget_card(method_id=account.method_id)
        except ProviderAway as error:
            logger.warning("card_not_forgotten account=%d reason=%s", account.pk, error)
            return
        remove_card(account=account, acting_user=None, now=now)
