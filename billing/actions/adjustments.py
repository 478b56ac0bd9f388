"""Adjustments of an organization's next invoice, booked by the operator."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.actions.posting import post_adjustment
from billing.ledger_models import LedgerTransaction, TransactionKind
from billing.ledger_queries import with_unbilled
from core.form_ids import IdTaken
from core.money import LARGEST_AMOUNT_NANOS
from orgs import audit
from orgs.models import Organization, User


class NeverBilled(Exception):
    """The organization is of staging: it gets no invoice that could be adjusted."""


@transaction.atomic
def book_adjustment(
    *,
    organization: Organization,
    adjustment_id: str,
    amount_nanos: int,
    memo: str,
    acting_user: User | None,
    now: datetime,
) -> None:
    """
    Book an amount for the next invoice, which prints the memo; negative: in favor.

    Each id is booked once, however often and however many at once send it.

    :raises NeverBilled: if there will be no invoice.
    :raises IdTaken: if something else was booked under the id.
    """
    assert 0 < abs(amount_nanos) <= LARGEST_AMOUNT_NANOS
    assert memo
    if organization.is_staging:
        raise NeverBilled
    source = f"{TransactionKind.ADJUSTMENT}:{adjustment_id}"
    posted = post_adjustment(
        organization, amount_nanos, source=source, memo=memo, now=now
    )
    if not posted:
        refuse_another(source, organization, amount_nanos, memo)
        return
    audit.record(
        organization=organization,
        actor=acting_user,
        action="adjustment.booked",
        target=posted[0].public_id,
        details={"after": {"amount_nanos": amount_nanos}, "reason": memo},
        now=now,
    )


def refuse_another(
    source: str, organization: Organization, amount_nanos: int, memo: str
) -> None:
    """:raises IdTaken: if what was booked is not this."""
    found = with_unbilled(LedgerTransaction.objects.all()).get(source=source)
    is_same = (
        found.organization_id == organization.pk
        and found.unbilled_nanos == amount_nanos
        and found.memo == memo
    )
    if not is_same:
        raise IdTaken
