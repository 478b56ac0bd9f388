"""
Stripe, as one payment provider: the only module that knows its library.

One PaymentIntent stands for an invoice: it is made first, and then confirmed as often
as need be. Stripe lets it succeed once at most, however long ago it was made, while an
idempotency key is kept for a day. (https://docs.stripe.com/api/payment_intents)
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import stripe

from billing.payments.seam import (
    PAYING,
    Card,
    Charge,
    ChargeState,
    Event,
    EventKind,
    ForgedEvent,
    ProviderAway,
    ProviderRefuses,
    SetUp,
    Wish,
)

T = TypeVar("T")
TIMEOUT_S = 20.0
# An event is signed with its moment; an older one may be a replay.
TOLERANCE_S = 300
CARDS = ["card"]
KINDS = {
    "setup_intent.succeeded": EventKind.CARD_SET_UP,
    "payment_intent.succeeded": EventKind.CHARGE_PAID,
    "payment_intent.payment_failed": EventKind.CHARGE_DECLINED,
    "charge.refunded": EventKind.MONEY_RETURNED,
    "charge.dispute.created": EventKind.DISPUTED,
}
STATES = {
    "succeeded": ChargeState.PAID,
    "processing": ChargeState.UNDER_WAY,
    # The card's bank asks its holder, who is not there.
    "requires_action": ChargeState.DECLINED,
}
ASKS_HOLDER = "The card's bank wants its holder to confirm the payment."
DECLINED = "The card was declined."


class StripeAdapter:
    def __init__(self, *, secret_key: str, webhook_secret: str, api_base: str) -> None:
        self._webhook_secret = webhook_secret
        stripe.enable_telemetry = False
        self._client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_base},
            http_client=stripe.RequestsClient(timeout=TIMEOUT_S),
            max_network_retries=0,
        )
        self._stripe = self._client.v1

    def open_customer(self, *, organization_id: str, name: str) -> str:
        customer = answer_of(
            lambda: self._stripe.customers.create(
                params={"name": name, "metadata": {"organization": organization_id}},
                options={"idempotency_key": f"customer:{organization_id}"},
            )
        )
        return str(customer.id)

    def begin_set_up(self, *, customer_id: str) -> str:
        intent = answer_of(
            lambda: self._stripe.setup_intents.create(
                params={
                    "customer": customer_id,
                    "payment_method_types": CARDS,
                    "usage": "off_session",
                }
            )
        )
        return str(intent.client_secret)

    def set_up(self, *, set_up_id: str) -> SetUp:
        return set_up_from(
            answer_of(lambda: self._stripe.setup_intents.retrieve(set_up_id))
        )

    def card(self, *, method_id: str) -> Card:
        method = answer_of(lambda: self._stripe.payment_methods.retrieve(method_id))
        return Card(
            method_id=str(method.id),
            brand=str(method.card.brand),
            last_four=str(method.card.last4),
            expires_month=int(method.card.exp_month),
            expires_year=int(method.card.exp_year),
        )

    def forget_card(self, *, method_id: str) -> None:
        try:
            answer_of(lambda: self._stripe.payment_methods.detach(method_id))
        except ProviderRefuses:
            # Stripe refuses what is detached already. Any other refusal: it is ours
            # no more either, and nothing of ours names it from now on.
            return

    def prepare(self, wish: Wish) -> Charge:
        intent = answer_of(
            lambda: self._stripe.payment_intents.create(
                params={
                    "amount": wish.amount_cents,
                    "currency": "usd",
                    "customer": wish.customer_id,
                    "payment_method_types": CARDS,
                    "description": wish.description,
                    "metadata": {"invoice": wish.invoice_id},
                },
                options={"idempotency_key": wish.reference},
            )
        )
        return charge_from(intent)

    def amend(self, *, charge_id: str, amount_cents: int) -> Charge:
        try:
            return charge_from(
                answer_of(
                    lambda: self._stripe.payment_intents.update(
                        charge_id, params={"amount": amount_cents}
                    )
                )
            )
        except ProviderRefuses:
            found = self.charge(charge_id=charge_id)
            if found.state in PAYING:
                return found
            raise

    def charge(self, *, charge_id: str) -> Charge:
        return charge_from(
            answer_of(lambda: self._stripe.payment_intents.retrieve(charge_id))
        )

    def pay(self, *, charge_id: str, method_id: str) -> Charge:
        try:
            return charge_from(
                answer_of(
                    lambda: self._stripe.payment_intents.confirm(
                        charge_id,
                        params={"payment_method": method_id, "off_session": True},
                    )
                )
            )
        except ProviderRefuses:
            # Declined, or paid before: what it stands at says which.
            found = self.charge(charge_id=charge_id)
            if found.state is ChargeState.OPEN:
                raise
            return found

    def event(self, *, payload: bytes, signature: str) -> Event:
        try:
            found = self._client.construct_event(
                payload, signature, self._webhook_secret, tolerance=TOLERANCE_S
            )
        except (stripe.SignatureVerificationError, ValueError) as error:
            raise ForgedEvent from error
        return event_from(found)


def answer_of(ask: Callable[[], Any]) -> Any:
    """Return what Stripe answers, its library's errors told in our words."""
    try:
        return ask()
    except (stripe.CardError, stripe.InvalidRequestError) as error:
        raise ProviderRefuses(error.user_message or DECLINED) from error
    except stripe.StripeError as error:
        # Unreachable, busy, broken, or the key is wrong: asked again later.
        raise ProviderAway(type(error).__name__) from error


def event_from(found: Any) -> Event:
    kind = KINDS.get(found.type, EventKind.OTHER)
    subject = found.data.object
    has_charge = kind in (EventKind.CHARGE_PAID, EventKind.CHARGE_DECLINED)
    charge = charge_from(subject) if has_charge else None
    if kind in (EventKind.MONEY_RETURNED, EventKind.DISPUTED):
        charge = charge_named_by(subject)
    is_set_up = kind is EventKind.CARD_SET_UP
    return Event(
        event_id=str(found.id),
        name=str(found.type),
        kind=kind,
        charge=charge,
        set_up=set_up_from(subject) if is_set_up else None,
    )


def set_up_from(intent: Any) -> SetUp:
    return SetUp(
        customer_id=str(intent.customer or ""),
        is_done=intent.status == "succeeded",
        method_id=str(intent.payment_method or ""),
        began_at=datetime.fromtimestamp(intent.created, tz=UTC),
    )


def charge_from(intent: Any) -> Charge:
    """Return what a PaymentIntent says of a charge."""
    error = intent.last_payment_error
    state = STATES.get(intent.status, ChargeState.OPEN)
    reason = ASKS_HOLDER if state is ChargeState.DECLINED else ""
    if state is ChargeState.OPEN and error is not None:
        state, reason = ChargeState.DECLINED, str(error.message or DECLINED)
    is_paid = state is ChargeState.PAID
    return Charge(
        charge_id=str(intent.id),
        state=state,
        amount_cents=int(intent.amount_received if is_paid else intent.amount),
        currency=str(intent.currency),
        customer_id=str(intent.customer or ""),
        reason=reason,
    )


def charge_named_by(subject: Any) -> Charge:
    """Return the charge that a refund or a dispute is about."""
    is_refund = subject.object == "charge"
    return Charge(
        charge_id=str(subject.payment_intent or ""),
        state=ChargeState.PAID,
        amount_cents=int(subject.amount_refunded if is_refund else subject.amount),
        currency=str(subject.currency),
        customer_id="",
    )
