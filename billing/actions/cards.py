"""The card that pays an organization's invoices: set, replaced, removed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from billing.payment_models import ChargeStage, InvoiceCharge, PaymentAccount
from billing.payments.seam import Card
from orgs import audit
from orgs.models import Organization, User

NO_CARD: dict[str, Any] = {
    "method_id": "",
    "brand": "",
    "last_four": "",
    "expires_month": None,
    "expires_year": None,
}


@transaction.atomic
def open_payment_account(
    *, organization: Organization, customer_id: str, now: datetime
) -> PaymentAccount:
    """Keep how the payment provider names an organization; the first name stays."""
    account, _ = PaymentAccount.objects.get_or_create(
        organization=organization,
        defaults={"customer_id": customer_id, "created_at": now},
    )
    return account


@transaction.atomic
def set_card(
    *,
    account: PaymentAccount,
    card: Card,
    set_up_at: datetime,
    acting_user: User | None,
    now: datetime,
) -> bool:
    """
    Have a card pay what is owed from now on; return whether that is news.

    What was not set up after the present card, or after one that was removed, comes too
    late. Safe to repeat.
    """
    locked = locked_account(account)
    if locked.card_as_of is not None and set_up_at <= locked.card_as_of:
        return False
    before = words_of(locked)
    locked.method_id = card.method_id
    locked.brand, locked.last_four = card.brand, card.last_four
    locked.expires_month, locked.expires_year = card.expires_month, card.expires_year
    locked.card_as_of = set_up_at
    save_card(locked)
    note(locked, "set", before, acting_user, now)
    waiting = InvoiceCharge.objects.filter(
        organization=locked.organization,
        stage__in=(ChargeStage.WAITING, ChargeStage.GIVEN_UP),
    )
    waiting.update(stage=ChargeStage.WAITING, times_declined=0, next_attempt_at=now)
    return True


@transaction.atomic
def remove_card(
    *, account: PaymentAccount, acting_user: User | None, now: datetime
) -> str:
    """
    Go back to payment by invoice; return how the provider names the card, or nothing.

    A charge that is under way goes on. Safe to repeat.
    """
    locked = locked_account(account)
    method_id, before = locked.method_id, words_of(locked)
    if not method_id:
        return ""
    for name, value in NO_CARD.items():
        setattr(locked, name, value)
    save_card(locked)
    note(locked, "removed", before, acting_user, now)
    return method_id


def locked_account(account: PaymentAccount) -> PaymentAccount:
    accounts = PaymentAccount.objects.select_for_update(of=("self",))
    return accounts.select_related("organization").get(pk=account.pk)


def save_card(account: PaymentAccount) -> None:
    account.save(update_fields=[*NO_CARD, "card_as_of"])


def words_of(account: PaymentAccount) -> dict[str, str]:
    if not account.has_card:
        return {}
    return {"card": f"{account.brand} ending in {account.last_four}"}


def note(
    account: PaymentAccount,
    what: str,
    before: dict[str, str],
    acting_user: User | None,
    now: datetime,
) -> None:
    sides = {"before": before, "after": words_of(account)}
    audit.record(
        organization=account.organization,
        actor=acting_user,
        action=f"payment_card.{what}",
        target=account.organization.public_id,
        details={side: words for side, words in sides.items() if words},
        now=now,
    )
