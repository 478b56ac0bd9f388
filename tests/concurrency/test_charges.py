"""Workers, events and the operator at once: an invoice is paid once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
from django.db import IntegrityError

from billing.actions.charges import queue_charges, take_charge
from billing.actions.invoices import AlreadyPaid, ChargeUnderWay
from billing.actions.payment_events import receive_event
from billing.invoice_models import Invoice, InvoicePayment
from billing.models import InvoiceCharge, PaymentEvent
from billing.payment_models import ChargeStage
from billing.payments.charging import paid_by_card
from billing.payments.seam import Event, EventKind
from orgs.models import AuditEvent, Organization
from tests.billing.cards import (
    CHARGED_AT,
    account_of,
    charge,
    invoiced,
    provider,
    stripe_there,
)
from tests.billing.test_charges import by_hand
from tests.concurrency.threads import PATIENCE_S, all_at_once
from tests.stripe_provider import StripeProvider

__all__ = ["stripe_there"]
pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def invoice(acme: Organization, stripe_there: StripeProvider) -> Invoice:
    account_of(acme)
    found = invoiced(acme)
    queue_charges(now=CHARGED_AT)
    return found


def payments() -> int:
    return AuditEvent.objects.filter(action="invoice.paid").count()


def test_of_many_workers_one_asks_the_card(
    invoice: Invoice, stripe_there: StripeProvider
) -> None:
    all_at_once([charge] * 4)

    asked = [each for each in stripe_there.requests if each.endswith("/confirm")]
    assert len(asked) == 1
    assert (payments(), stripe_there.money) == (1, 1200)


def test_a_worker_and_the_operator_settle_it_once(
    invoice: Invoice, stripe_there: StripeProvider
) -> None:
    def by_operator() -> None:
        with suppress(AlreadyPaid, ChargeUnderWay):
            by_hand(invoice)

    all_at_once([charge, by_operator])

    is_by_hand = InvoicePayment.objects.get().reference == "W-17"
    assert stripe_there.money == (0 if is_by_hand else 1200)
    assert payments() == 1


def test_control_looking_first_is_not_enough(
    invoice: Invoice, stripe_there: StripeProvider
) -> None:
    """Without the stage, each sees an open invoice, and both are paid."""
    looked = threading.Barrier(2)
    row = InvoiceCharge.objects.get()
    attempt = take_charge(charge_pk=row.pk, now=CHARGED_AT)
    assert attempt is not None
    InvoiceCharge.objects.update(stage=ChargeStage.WAITING)

    def look(act: Callable[[], object]) -> None:
        assert not InvoicePayment.objects.exists()
        looked.wait(PATIENCE_S)
        act()

    ask = partial(paid_by_card, provider(), attempt)
    all_at_once([partial(look, ask), partial(look, partial(by_hand, invoice))])

    assert InvoicePayment.objects.get().reference == "W-17"
    assert stripe_there.money == 1200


def test_an_event_sent_many_times_at_once_has_one_effect(
    invoice: Invoice, stripe_there: StripeProvider
) -> None:
    event = paid_event(invoice)

    all_at_once([partial(receive_event, event=event, card=None, now=CHARGED_AT)] * 4)

    assert PaymentEvent.objects.count() == 1
    assert payments() == 1


def paid_event(invoice: Invoice) -> Event:
    attempt = take_charge(
        charge_pk=InvoiceCharge.objects.get(invoice=invoice).pk, now=CHARGED_AT
    )
    assert attempt is not None
    paid = paid_by_card(provider(), attempt)
    return Event("evt_1", "payment_intent.succeeded", EventKind.CHARGE_PAID, paid)


def test_control_without_the_row_first_an_event_has_its_effect_twice(
    invoice: Invoice,
) -> None:
    looked, effects = threading.Barrier(2), list[str]()

    def look_and_do() -> None:
        assert not PaymentEvent.objects.filter(event_id="evt_1").exists()
        looked.wait(PATIENCE_S)
        effects.append("done")
        with suppress(IntegrityError):
            PaymentEvent.objects.create(
                event_id="evt_1", name="x", outcome="done", received_at=CHARGED_AT
            )

    all_at_once([look_and_do] * 2)

    assert effects == ["done", "done"]
