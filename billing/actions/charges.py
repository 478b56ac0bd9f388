"""
Have cards pay invoices: which are due, and what became of each attempt.

The provider is asked outside of any transaction. A charge that is *under way* keeps
everybody else from noting a payment, so that what it ends in can be booked; whoever
took it and vanished is followed by another after `LEASE`. Locks: the organization's
accounts, then the charge.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction

from billing.actions.invoices import AlreadyPaid, lock_accounts, record_payment
from billing.invoice_models import Invoice
from billing.invoice_queries import left_to_pay, open_invoices
from billing.payment_mail import queue_declined_mail
from billing.payment_models import (
    LONGEST_REASON,
    ChargeStage,
    InvoiceCharge,
    PaymentAccount,
)
from billing.payments.seam import Charge, ChargeState, Wish
from core.money import NANOS_PER_CENT
from orgs import audit
from orgs.models import User

QUEUED_AT_ONCE = 200
# Longer than all that one attempt asks of the provider can take.
LEASE = timedelta(minutes=5)
ASKED_AGAIN_AFTER = timedelta(hours=1)
# After each decline, until it is given up.
DECLINED_AGAIN_AFTER = (timedelta(days=1), timedelta(days=3), timedelta(days=5))
UNANSWERED_FIRST, UNANSWERED_LONGEST = timedelta(minutes=1), timedelta(hours=6)
# What providers charge at least; less is paid otherwise.
SMALLEST_CENTS = 50
CURRENCY = "usd"


class Booked(StrEnum):
    """What a charge's outcome changed here."""

    PAID = "paid"
    DECLINED = "declined"
    NOTHING_NEW = "nothing_new"
    NOT_OURS = "not_ours"
    # The card paid what was settled otherwise.
    PAID_TWICE = "paid_twice"
    OTHER_AMOUNT = "other_amount"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A charge that is taken: what to ask of the provider."""

    pk: int
    # Empty until it was prepared there.
    charge_id: str
    method_id: str
    wish: Wish


@transaction.atomic
def queue_charges(*, now: datetime) -> None:
    """Have each open invoice charged whose organization has a card. Safe to repeat."""
    invoices = open_invoices().filter(
        charge=None,
        total_nanos__gte=SMALLEST_CENTS * NANOS_PER_CENT,
        organization__payment_account__method_id__gt="",
        organization__deleted_at__isnull=True,
    )
    charges = [
        InvoiceCharge(
            organization_id=invoice.organization_id,
            invoice=invoice,
            next_attempt_at=now,
            created_at=now,
        )
        for invoice in invoices[:QUEUED_AT_ONCE]
        if cents_due(invoice) >= SMALLEST_CENTS
    ]
    InvoiceCharge.objects.bulk_create(charges, ignore_conflicts=True)


@transaction.atomic
def take_charge(*, charge_pk: int, now: datetime) -> Attempt | None:
    """
    Take a charge that is due; None if another has it, or nothing is to be charged.

    From its commit on nobody else can note that the invoice was paid.
    """
    known = InvoiceCharge.objects.select_related("invoice__organization")
    charge = known.get(pk=charge_pk)
    lock_accounts(charge.invoice.organization)
    charge = locked(charge.pk)
    is_due = charge.stage in (ChargeStage.WAITING, ChargeStage.UNDER_WAY)
    if not is_due or charge.next_attempt_at > now:
        return None
    if not open_invoices().filter(pk=charge.invoice_id).exists():
        move(charge, ChargeStage.SETTLED, now)
        return None
    if cents_due(charge.invoice) < SMALLEST_CENTS:
        move(charge, ChargeStage.GIVEN_UP, now)
        return None
    account = PaymentAccount.objects.get(organization=charge.organization)
    was_asked = charge.stage == ChargeStage.UNDER_WAY and charge.charge_id
    if not account.has_card and not was_asked:
        move(charge, ChargeStage.WAITING, now + DECLINED_AGAIN_AFTER[0])
        return None
    move(charge, ChargeStage.UNDER_WAY, now + LEASE)
    return Attempt(
        charge.pk, charge.charge_id, account.method_id, wish_of(charge.invoice, account)
    )


def wish_of(invoice: Invoice, account: PaymentAccount) -> Wish:
    return Wish(
        reference=f"{invoice.number}:{invoice.public_id}",
        customer_id=account.customer_id,
        amount_cents=cents_due(invoice),
        description=f"Invoice {invoice.number} of {invoice.cycle_start:%B %Y}",
        invoice_id=invoice.public_id,
    )


def cents_due(invoice: Invoice) -> int:
    """Return what credit notes left of an invoice, in cents."""
    cents, rest = divmod(left_to_pay(invoice), NANOS_PER_CENT)
    assert not rest, "each line of an invoice is whole cents"
    return cents


@transaction.atomic
def note_prepared(*, attempt: Attempt, charge_id: str) -> None:
    """Keep how the provider names a charge, before a card is asked."""
    InvoiceCharge.objects.filter(pk=attempt.pk, charge_id="").update(
        charge_id=charge_id
    )


@transaction.atomic
def note_unanswered(*, attempt: Attempt, now: datetime) -> None:
    """Ask again later: nobody knows what the provider did, so it stays under way."""
    charge = locked(attempt.pk)
    if charge.stage != ChargeStage.UNDER_WAY:
        return
    pause = UNANSWERED_FIRST * 2 ** min(charge.times_unanswered, 10)
    charge.times_unanswered += 1
    charge.next_attempt_at = now + min(pause, UNANSWERED_LONGEST)
    charge.save(update_fields=["times_unanswered", "next_attempt_at"])


@transaction.atomic
def note_refused(*, attempt: Attempt, reason: str, now: datetime) -> None:
    """Note that the provider does not charge this card."""
    decline(locked(attempt.pk), reason, now)


@transaction.atomic
def book_charge(*, outcome: Charge, now: datetime) -> Booked:
    """
    Book what became of a charge, by whichever way we hear of it: once.

    Whoever hears of it first books it, the others change nothing.
    """
    known = InvoiceCharge.objects.select_related("invoice__organization")
    charge = known.filter(charge_id=outcome.charge_id).first()
    if not outcome.charge_id or charge is None:
        return Booked.NOT_OURS
    lock_accounts(charge.invoice.organization)
    charge = locked(charge.pk)
    if outcome.state is ChargeState.PAID:
        return book_paid(charge, outcome, now)
    if outcome.state is ChargeState.DECLINED:
        return decline(charge, outcome.reason, now)
    if charge.stage == ChargeStage.UNDER_WAY:
        is_open = outcome.state is ChargeState.OPEN
        # No card was asked, as there is none any more: it waits for one.
        stage = ChargeStage.WAITING if is_open else ChargeStage.UNDER_WAY
        move(charge, stage, now + ASKED_AGAIN_AFTER)
    return Booked.NOTHING_NEW


def book_paid(charge: InvoiceCharge, outcome: Charge, now: datetime) -> Booked:
    if charge.stage == ChargeStage.SETTLED and is_paid_by(charge):
        return Booked.NOTHING_NEW
    due = (cents_due(charge.invoice), CURRENCY)
    if (outcome.amount_cents, outcome.currency) != due:
        move(charge, ChargeStage.GIVEN_UP, now)
        return Booked.OTHER_AMOUNT
    # First: it would be in the way of its own payment.
    move(charge, ChargeStage.SETTLED, now)
    try:
        record_payment(
            invoice=charge.invoice,
            paid_on=now.date(),
            reference=charge.charge_id,
            acting_user=None,
            now=now,
        )
    except AlreadyPaid:
        return Booked.PAID_TWICE
    return Booked.PAID


def is_paid_by(charge: InvoiceCharge) -> bool:
    payment = getattr(charge.invoice, "payment", None)
    return payment is not None and payment.reference == charge.charge_id


def decline(charge: InvoiceCharge, reason: str, now: datetime) -> Booked:
    """Try again in some days, or give up; the owners hear why, once."""
    if charge.stage != ChargeStage.UNDER_WAY:
        return Booked.NOTHING_NEW
    pauses = dict(enumerate(DECLINED_AGAIN_AFTER))
    pause = pauses.get(charge.times_declined)
    charge.times_declined += 1
    charge.reason = reason[:LONGEST_REASON]
    charge.save(update_fields=["times_declined", "reason"])
    stage = ChargeStage.GIVEN_UP if pause is None else ChargeStage.WAITING
    move(charge, stage, now + (pause or timedelta()))
    audit.record(
        organization=charge.invoice.organization,
        actor=None,
        action="invoice.payment_declined",
        target=charge.invoice.public_id,
        details={"number": charge.invoice.number, "reason": charge.reason},
        now=now,
    )
    queue_declined_mail(charge, now=now)
    return Booked.DECLINED


@transaction.atomic
def abandon_charge(*, invoice: Invoice, acting_user: User, now: datetime) -> bool:
    """
    Give up a charge that nobody can ask about any more; False if none is under way.

    For where the payment provider was taken away meanwhile. Should the card have
    paid after all, its event finds the charge given up and books it, or tells the
    operator that it was paid twice.
    """
    lock_accounts(invoice.organization)
    charge = InvoiceCharge.objects.select_for_update().filter(invoice=invoice).first()
    if charge is None or charge.stage != ChargeStage.UNDER_WAY:
        return False
    move(charge, ChargeStage.GIVEN_UP, now)
    audit.record(
        organization=invoice.organization,
        actor=acting_user,
        action="invoice.charge_abandoned",
        target=invoice.public_id,
        details={"number": invoice.number},
        now=now,
    )
    return True


def locked(charge_pk: int) -> InvoiceCharge:
    charges = InvoiceCharge.objects.select_for_update(of=("self",))
    return charges.select_related("invoice__organization").get(pk=charge_pk)


def move(charge: InvoiceCharge, stage: ChargeStage, next_attempt_at: datetime) -> None:
    charge.stage, charge.next_attempt_at = stage, next_attempt_at
    charge.save(update_fields=["stage", "next_attempt_at"])
