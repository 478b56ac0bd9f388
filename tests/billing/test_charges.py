"""A card pays each invoice once, whatever breaks in between."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import Settings

from billing.actions.cards import remove_card
from billing.actions.charges import (
    Attempt,
    note_prepared,
    queue_charges,
    take_charge,
)
from billing.actions.credit_notes import Part, issue_credit_note
from billing.actions.invoices import ChargeUnderWay, record_payment
from billing.invoice_models import Invoice, InvoicePayment
from billing.models import InvoiceCharge, PaymentAccount
from billing.payment_models import ChargeStage
from billing.payment_queries import is_being_charged
from billing.payments.charging import paid_by_card
from orgs.models import AuditEvent, Organization, OutboxMail, User
from tests.billing.cards import (
    CHARGED_AT,
    account_of,
    charge,
    invoiced,
    provider,
    stripe_there,
    tell,
)
from tests.billing.test_invoices import close, spend
from tests.billing.test_ledger_posting import commit_checks
from tests.factories import usd
from tests.stripe_provider import DECLINED, StripeProvider
from tests.visits import browser_of

__all__ = ["stripe_there"]
pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def invoice(acme: Organization, stripe_there: StripeProvider) -> Invoice:
    """An open invoice of Acme, who has a card."""
    account_of(acme)
    return invoiced(acme)


def stage() -> str:
    return InvoiceCharge.objects.get().stage


def test_an_invoice_is_paid_by_the_card_once(
    invoice: Invoice, stripe_there: StripeProvider
) -> None:
    charge()
    charge(after=DAY)
    commit_checks()

    payment = InvoicePayment.objects.get()
    assert payment.amount_nanos == invoice.total_nanos
    assert payment.reference.startswith("pi_")
    assert stripe_there.money == 1200
    assert AuditEvent.objects.filter(action="invoice.paid").count() == 1


def test_without_a_card_nothing_is_asked(
    acme: Organization, stripe_there: StripeProvider
) -> None:
    account_of(acme, card=False)
    invoiced(acme)

    charge()

    assert stripe_there.requests == []
    assert not InvoiceCharge.objects.exists()


@pytest.mark.parametrize("lost", [1, 2])
def test_a_lost_answer_charges_nothing_twice(
    invoice: Invoice, stripe_there: StripeProvider, lost: int
) -> None:
    stripe_there.loses_answers = lost
    for days in range(4):
        charge(after=days * DAY)

    assert stripe_there.money == 1200
    assert InvoicePayment.objects.count() == 1


def test_a_worker_killed_after_the_card_paid_is_followed_by_another(
    invoice: Invoice, stripe_there: StripeProvider
) -> None:
    paid_without_a_word()
    charge()
    assert not InvoicePayment.objects.exists(), "it is taken still"

    # More than a day: Stripe has forgotten the idempotency key.
    stripe_there.answered.clear()
    charge(after=2 * DAY)

    assert stripe_there.money == 1200
    assert InvoicePayment.objects.count() == 1


def taken() -> Attempt:
    queue_charges(now=CHARGED_AT)
    attempt = take_charge(charge_pk=InvoiceCharge.objects.get().pk, now=CHARGED_AT)
    assert attempt is not None
    return attempt


def paid_without_a_word() -> None:
    """Have a card pay, and vanish before anything of it is booked."""
    paid_by_card(provider(), taken())


def test_a_card_removed_before_it_was_asked_leaves_the_invoice_to_be_paid(
    invoice: Invoice, stripe_there: StripeProvider
) -> None:
    attempt = taken()
    note_prepared(attempt=attempt, charge_id=provider().prepare(attempt.wish).charge_id)
    remove_card(account=PaymentAccount.objects.get(), acting_user=None, now=CHARGED_AT)

    charge(after=timedelta(minutes=6))
    by_hand(invoice)

    assert stripe_there.money == 0
    assert InvoicePayment.objects.get().reference == "W-17"


def test_while_a_card_is_asked_nobody_notes_a_payment(invoice: Invoice) -> None:
    paid_without_a_word()

    with pytest.raises(ChargeUnderWay):
        by_hand(invoice)
    with pytest.raises(ChargeUnderWay):
        issue_credit_note(
            invoice=invoice, reason="Wrong", acting_user=None, now=CHARGED_AT
        )
    assert not InvoicePayment.objects.exists()


def test_where_no_provider_answers_the_operator_gives_the_charge_up(
    invoice: Invoice, op: User, settings: Settings
) -> None:
    browser, url = browser_of(op), f"/operator/invoices/{invoice.number}"
    paid_without_a_word()

    browser.post(f"{url}/abandon-charge")
    assert InvoiceCharge.objects.get().stage == "under_way", "Stripe may answer yet"
    settings.STRIPE_SECRET_KEY = ""
    assert "nobody answers" in browser.get(url).content.decode()
    browser.post(f"{url}/abandon-charge")
    by_hand(invoice)

    assert InvoiceCharge.objects.get().stage == "given_up"
    events = AuditEvent.objects.filter(action="invoice.charge_abandoned")
    assert events.get().actor == op
    assert InvoicePayment.objects.get().reference == "W-17"
    assert "nobody answers" not in browser.get(url).content.decode()


def by_hand(invoice: Invoice) -> None:
    record_payment(
        invoice=invoice,
        paid_on=CHARGED_AT.date(),
        reference="W-17",
        acting_user=None,
        now=CHARGED_AT,
    )


def test_what_was_paid_by_hand_is_not_charged(
    invoice: Invoice, stripe_there: StripeProvider
) -> None:
    stripe_there.declines = True
    charge()
    by_hand(invoice)
    stripe_there.declines = False
    charge(after=2 * DAY)

    assert stripe_there.money == 0
    assert InvoicePayment.objects.get().reference == "W-17"
    assert stage() == ChargeStage.SETTLED


def test_what_a_credit_note_left_is_charged(
    invoice: Invoice, stripe_there: StripeProvider
) -> None:
    stripe_there.declines = True
    charge()
    part = Part(amount_nanos=usd(5))
    issue_credit_note(
        invoice=invoice, reason="Down", part=part, acting_user=None, now=CHARGED_AT
    )
    stripe_there.declines = False
    charge(after=DAY)

    assert stripe_there.money == 700
    assert InvoicePayment.objects.get().amount_nanos == usd(7)


def test_a_declined_card_is_told_and_tried_again(
    acme: Organization, invoice: Invoice, stripe_there: StripeProvider
) -> None:
    stripe_there.declines = True
    charge()
    charge(after=DAY / 2)
    mail = OutboxMail.objects.get(kind="payment_declined")
    assert DECLINED in mail.body_text
    assert mail.recipient == "ada@acme.example"

    stripe_there.declines = False
    charge(after=DAY)

    assert InvoicePayment.objects.count() == 1
    assert stripe_there.money == 1200


def test_after_some_declines_it_is_given_up_until_there_is_another_card(
    invoice: Invoice, stripe_there: StripeProvider
) -> None:
    stripe_there.declines = True
    for days in range(30):
        charge(after=days * DAY)
    assert OutboxMail.objects.filter(kind="payment_declined").count() == 4
    assert stage() == ChargeStage.GIVEN_UP

    stripe_there.declines = False
    customer = PaymentAccount.objects.get().customer_id
    assert tell("setup_intent.succeeded", stripe_there.enter_card(customer)) == 200
    charge(after=30 * DAY)

    assert stripe_there.money == 1200


def test_a_refund_leaves_the_invoice_and_tells_the_operator(
    invoice: Invoice, stripe_there: StripeProvider, op: object
) -> None:
    charge()
    charge_id = InvoiceCharge.objects.get().charge_id
    refund = {
        "id": "ch_1",
        "object": "charge",
        "payment_intent": charge_id,
        "amount_refunded": 500,
        "currency": "usd",
    }
    for _ in range(2):
        assert tell("charge.refunded", refund) == 200

    mail = OutboxMail.objects.get(kind="payment_noted")
    assert "5.00 USD, invoice INV-000001" in mail.body_text
    assert mail.recipient == "op@tokenhouse.example"
    assert InvoicePayment.objects.count() == 1


def test_cents_too_few_for_a_card_are_owed_by_invoice(
    acme: Organization, stripe_there: StripeProvider
) -> None:
    account_of(acme)
    spend(acme, usd("0.49"))
    close()
    charge()

    assert Invoice.objects.get().total_nanos == usd("0.49")
    assert not is_being_charged(Invoice.objects.get())
    assert stripe_there.requests == []
