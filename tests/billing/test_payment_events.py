"""Events of the payment provider: believed if signed, done once, in any order."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client

from billing.invoice_models import Invoice, InvoicePayment
from billing.models import InvoiceCharge, PaymentAccount, PaymentEvent
from billing.payment_event_views import LONGEST_EVENT_BYTES
from billing.payment_models import EventOutcome
from orgs.models import Organization, OutboxMail
from tests.architecture.routes import everything_written
from tests.billing.cards import (
    WEBHOOK,
    account_of,
    charge,
    invoiced,
    stripe_there,
    tell,
)
from tests.billing.test_charges import by_hand
from tests.stripe_provider import StripeProvider

__all__ = ["stripe_there"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def charged(acme: Organization, stripe_there: StripeProvider) -> dict[str, Any]:
    """An invoice that the card paid, of which only Stripe knows so far."""
    account_of(acme)
    invoiced(acme)
    stripe_there.loses_answers = 1
    charge()
    stripe_there.loses_answers = 0
    (intent,) = (o for o in stripe_there.objects.values() if "amount" in o)
    InvoiceCharge.objects.update(charge_id=intent["id"], stage="under_way")
    return {**intent, "status": "succeeded", "amount_received": intent["amount"]}


def test_without_settings_there_is_nothing() -> None:
    assert Client().post(WEBHOOK, b"{}", "application/json").status_code == 404


def test_a_payment_told_before_our_own_answer_is_booked_once(
    charged: dict[str, Any],
) -> None:
    for event_id in ("evt_1", "evt_1", "evt_2"):
        status = tell("payment_intent.succeeded", charged, event_id=event_id)
        assert status == 200

    assert InvoicePayment.objects.get().reference == charged["id"]
    assert set(PaymentEvent.objects.values_list("event_id", "outcome")) == {
        ("evt_1", EventOutcome.DONE),
        ("evt_2", EventOutcome.IGNORED),
    }


@pytest.mark.parametrize("wrong", [{"secret": "whsec_another"}, {"age_s": 301}])
def test_a_forged_or_old_event_changes_nothing(
    charged: dict[str, Any], wrong: dict[str, Any]
) -> None:
    before = everything_written()

    assert tell("payment_intent.succeeded", charged, **wrong) == 400
    assert everything_written() == before


def test_an_event_without_a_signature_changes_nothing(
    stripe_there: StripeProvider,
) -> None:
    before = everything_written()

    assert Client().post(WEBHOOK, b"{}", "application/json").status_code == 400
    assert everything_written() == before


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"x" * (LONGEST_EVENT_BYTES + 1), "application/json"),
        (b"x" * 2_000_000, "application/json"),
        (b"a=b", "application/x-www-form-urlencoded"),
    ],
)
def test_what_no_event_looks_like_is_not_read(
    stripe_there: StripeProvider, body: bytes, kind: str
) -> None:
    assert Client().post(WEBHOOK, body, kind).status_code == 413


@pytest.mark.parametrize("change", [{"amount_received": 1199}, {"currency": "eur"}])
def test_another_amount_is_not_booked_and_the_operator_hears_of_it(
    charged: dict[str, Any], op: object, change: dict[str, Any]
) -> None:
    assert tell("payment_intent.succeeded", {**charged, **change}) == 200

    assert not InvoicePayment.objects.exists()
    assert "another amount" in OutboxMail.objects.get(kind="payment_noted").body_text


def test_a_decline_after_the_payment_changes_nothing(charged: dict[str, Any]) -> None:
    tell("payment_intent.succeeded", charged)
    error = {"message": "Declined.", "type": "card_error"}
    late = {**charged, "status": "requires_payment_method", "last_payment_error": error}
    tell("payment_intent.payment_failed", late, event_id="evt_2")

    assert InvoicePayment.objects.count() == 1
    assert not OutboxMail.objects.filter(kind="payment_declined").exists()


def test_a_decline_that_is_told_first_is_mailed_once_with_the_reason(
    charged: dict[str, Any],
) -> None:
    error = {"message": "The bank says no.", "type": "card_error"}
    failed = {
        **charged,
        "status": "requires_payment_method",
        "amount_received": 0,
        "last_payment_error": error,
    }
    for event_id in ("evt_1", "evt_1", "evt_2"):
        tell("payment_intent.payment_failed", failed, event_id=event_id)

    mail = OutboxMail.objects.get(kind="payment_declined")
    assert "The bank says no." in mail.body_text


@pytest.mark.parametrize(
    "name", ["payment_intent.succeeded", "invoice.created", "charge.refunded"]
)
def test_what_is_nobodys_or_unknown_is_acknowledged(
    stripe_there: StripeProvider, name: str
) -> None:
    subject = {
        "id": "pi_elsewhere",
        "object": "payment_intent",
        "status": "succeeded",
        "amount": 1,
        "amount_received": 1,
        "currency": "usd",
        "customer": "cus_elsewhere",
        "last_payment_error": None,
        "payment_intent": "pi_elsewhere",
    }
    assert tell(name, subject) == 200
    assert PaymentEvent.objects.get().outcome == EventOutcome.IGNORED
    assert not OutboxMail.objects.exists()


def test_a_card_of_an_unknown_customer_is_acknowledged(
    acme: Organization, stripe_there: StripeProvider
) -> None:
    account_of(acme)
    entered = stripe_there.enter_card("cus_elsewhere", last_four="9999")

    assert tell("setup_intent.succeeded", entered) == 200
    assert PaymentAccount.objects.get().last_four == "4242"


def test_a_card_that_was_set_up_pays_from_now_on(
    acme: Organization, stripe_there: StripeProvider
) -> None:
    account = account_of(acme, card=False)
    entered = stripe_there.enter_card(account.customer_id)

    tell("setup_intent.succeeded", entered)

    account.refresh_from_db()
    assert (account.brand, account.last_four) == ("visa", "4242")
    assert (account.expires_month, account.expires_year) == (4, 2030)


def test_an_earlier_card_that_is_told_later_does_not_come_back(
    acme: Organization, stripe_there: StripeProvider
) -> None:
    account = account_of(acme)
    now = int(time.time())
    older = stripe_there.enter_card(account.customer_id, last_four="1", created=now - 9)
    newer = stripe_there.enter_card(account.customer_id, last_four="2", created=now)

    tell("setup_intent.succeeded", newer, event_id="evt_2")
    tell("setup_intent.succeeded", older, event_id="evt_1")

    assert PaymentAccount.objects.get().last_four == "2"


def test_what_cannot_be_asked_now_is_sent_again(
    acme: Organization, stripe_there: StripeProvider
) -> None:
    account = account_of(acme, card=False)
    entered = stripe_there.enter_card(account.customer_id)
    stripe_there.loses_answers = 1

    assert tell("setup_intent.succeeded", entered) == 503
    assert not PaymentEvent.objects.exists()
    assert tell("setup_intent.succeeded", entered) == 200
    assert PaymentAccount.objects.get().has_card


def test_what_a_card_paid_besides_a_transfer_is_told_to_the_operator(
    charged: dict[str, Any], op: object
) -> None:
    InvoiceCharge.objects.update(stage="given_up")
    by_hand(Invoice.objects.get())

    assert tell("payment_intent.succeeded", charged) == 200
    mail = OutboxMail.objects.get(kind="payment_noted")
    assert "settled otherwise: 12.00 USD" in mail.body_text
    assert InvoicePayment.objects.get().reference == "W-17"
