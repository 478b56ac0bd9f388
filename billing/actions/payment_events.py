"""Take in what the payment provider tells: each event once, with its effect."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.actions.cards import set_card
from billing.actions.charges import Booked, book_charge
from billing.payment_mail import queue_noted_mail
from billing.payment_models import (
    LONGEST_REASON,
    EventOutcome,
    InvoiceCharge,
    PaymentAccount,
    PaymentEvent,
)
from billing.payments.seam import Card, Charge, Event, EventKind
from core.money import NANOS_PER_CENT, cents_usd
from orgs.models import Organization

Effect = tuple[EventOutcome, str, Organization | None]
IGNORED: Effect = (EventOutcome.IGNORED, "", None)
CHARGES = (EventKind.CHARGE_PAID, EventKind.CHARGE_DECLINED)
# What the operator is told; an amount follows.
FOR_THE_OPERATOR = {
    Booked.PAID_TWICE: "A card paid an invoice that was settled otherwise",
    Booked.OTHER_AMOUNT: "A card paid another amount than the invoice's",
}
RETURNED = {
    EventKind.MONEY_RETURNED: "Money was returned to a card",
    EventKind.DISPUTED: "The holder of a card disputes a payment",
}


@transaction.atomic
def receive_event(*, event: Event, card: Card | None, now: datetime) -> EventOutcome:
    """
    Do what an event asks for, and keep that it was done, in one transaction.

    Safe to repeat and to run many times at once: others wait for the first. `card` is
    the one that was set up, if the event is about one.
    """
    kept, is_new = PaymentEvent.objects.get_or_create(
        event_id=event.event_id,
        defaults={
            "name": event.name[:80],
            "outcome": EventOutcome.IGNORED,
            "received_at": now,
        },
    )
    if not is_new:
        return EventOutcome(kept.outcome)
    outcome, note, organization = effect_of(event, card, now)
    kept.outcome, kept.organization = outcome, organization
    kept.note = note[:LONGEST_REASON]
    kept.save(update_fields=["outcome", "organization", "note"])
    if outcome is EventOutcome.NOTED:
        queue_noted_mail(kept, now=now)
    return outcome


def effect_of(event: Event, card: Card | None, now: datetime) -> Effect:
    if event.kind in CHARGES and event.charge:
        return booked(event.charge, now)
    if event.kind in RETURNED and event.charge:
        return returned(RETURNED[event.kind], event.charge)
    if event.set_up and card:
        account = account_of(event.set_up.customer_id)
        if account is not None:
            is_news = set_card(
                account=account,
                card=card,
                set_up_at=event.set_up.began_at,
                acting_user=None,
                now=now,
            )
            outcome = EventOutcome.DONE if is_news else EventOutcome.IGNORED
            return outcome, "", account.organization
    return IGNORED


def account_of(customer_id: str) -> PaymentAccount | None:
    accounts = PaymentAccount.objects.select_related("organization")
    return accounts.filter(customer_id=customer_id, customer_id__gt="").first()


def booked(charge: Charge, now: datetime) -> Effect:
    done = book_charge(outcome=charge, now=now)
    if done in (Booked.NOT_OURS, Booked.NOTHING_NEW):
        return IGNORED
    if done in FOR_THE_OPERATOR:
        return noted(FOR_THE_OPERATOR[done], charge)
    return EventOutcome.DONE, "", organization_of(charge)


def returned(what: str, charge: Charge) -> Effect:
    return noted(what, charge) if organization_of(charge) else IGNORED


def noted(what: str, charge: Charge) -> Effect:
    known = InvoiceCharge.objects.select_related("invoice__organization")
    found = known.get(charge_id=charge.charge_id)
    invoice = found.invoice
    amount = cents_usd(charge.amount_cents * NANOS_PER_CENT)
    money = f"{amount} {charge.currency.upper()}"
    text = f"{what}: {money}, invoice {invoice.number}, {charge.charge_id}."
    return EventOutcome.NOTED, text, invoice.organization


def organization_of(charge: Charge) -> Organization | None:
    known = InvoiceCharge.objects.select_related("invoice__organization")
    found = known.filter(charge_id=charge.charge_id, charge_id__gt="").first()
    return found.invoice.organization if found else None
