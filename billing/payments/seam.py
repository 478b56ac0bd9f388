"""
What we ask of a payment provider: nothing here knows whose it is.

Of a card only brand, last four digits and expiry come here; the rest of it goes from
the browser to the provider. Amounts are whole cents of a dollar.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class ProviderAway(Exception):
    """The provider gave no answer: nobody knows what it did. To be asked again."""


class ProviderRefuses(Exception):
    """The provider answered that it does not do this, whoever pays."""


class ForgedEvent(Exception):
    """The event is not the provider's, or too old to be believed."""


@dataclass(frozen=True, slots=True)
class Card:
    """A payment method, as far as we know it."""

    method_id: str
    brand: str
    last_four: str
    expires_month: int
    expires_year: int


@dataclass(frozen=True, slots=True)
class SetUp:
    """A card that was entered in the provider's own form, for whom and when."""

    customer_id: str
    is_done: bool
    method_id: str
    began_at: datetime


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be charged. `reference` is the same for every attempt of it."""

    reference: str
    customer_id: str
    amount_cents: int
    description: str
    invoice_id: str


class ChargeState(StrEnum):
    PAID = "paid"
    # Asked for, and to be confirmed by an event.
    UNDER_WAY = "under_way"
    DECLINED = "declined"
    # Prepared; nothing was asked of the card.
    OPEN = "open"


# A card pays, or did: nothing of it can be changed.
PAYING = (ChargeState.PAID, ChargeState.UNDER_WAY)


@dataclass(frozen=True, slots=True)
class Charge:
    """What became of a charge. `reason` is for people, if it was declined."""

    charge_id: str
    state: ChargeState
    amount_cents: int
    currency: str
    customer_id: str
    reason: str = ""


class EventKind(StrEnum):
    CARD_SET_UP = "card_set_up"
    CHARGE_PAID = "charge_paid"
    CHARGE_DECLINED = "charge_declined"
    MONEY_RETURNED = "money_returned"
    DISPUTED = "disputed"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at the provider; what is not of its kind is None."""

    event_id: str
    # As the provider names it.
    name: str
    kind: EventKind
    charge: Charge | None = None
    set_up: SetUp | None = None


class PaymentProvider(Protocol):
    """
    A payment provider.

    Everything that changes something there is safe to repeat.

    Each raises `ProviderAway` or `ProviderRefuses`.
    """

    def open_customer(self, *, organization_id: str, name: str) -> str:
        """Return the id of an organization there, the same however often."""

    def begin_set_up(self, *, customer_id: str) -> str:
        """Return the secret with which a browser enters a card for the customer."""

    def set_up(self, *, set_up_id: str) -> SetUp:
        """Return what became of it."""

    def card(self, *, method_id: str) -> Card:
        """Return what may be known of a card."""

    def forget_card(self, *, method_id: str) -> None:
        """Have the provider charge the card no more; forgotten before is well too."""

    def prepare(self, wish: Wish) -> Charge:
        """Return the charge of a reference, of which the card knows nothing yet."""

    def amend(self, *, charge_id: str, amount_cents: int) -> Charge:
        """Have a charge be of another amount, unless a card pays it already."""

    def charge(self, *, charge_id: str) -> Charge:
        """Return what became of a charge."""

    def pay(self, *, charge_id: str, method_id: str) -> Charge:
        """
        Have a card pay a charge, and return what became of it.

        A charge is paid once at most, however often this is asked.
        """

    def event(self, *, payload: bytes, signature: str) -> Event:
        """
        Read an event.

        :raises ForgedEvent: if the provider did not send it, or long ago.
        """
