"""Credit is granted, voided and written off, each once, and in the ledger."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.actions.credit import (
    CannotVoid,
    CreditWish,
    grant_credit,
    void_credit,
    write_off_ended_credit,
)
from billing.ledger_models import AccountKind, LedgerAccount, TransactionKind
from billing.models import CreditGrant, CreditKind, LedgerTransaction
from billing.models import Hold as HoldRow
from orgs.models import AuditEvent, Organization, User
from tests.billing.books import book, held, settling
from tests.factories import usd

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def give(
    organization: Organization, kind: str = CreditKind.GOODWILL, *, days: int | None = 9
) -> CreditGrant:
    now = timezone.now() - DAY
    wish = CreditWish(
        name="For the outage",
        kind=kind,
        amount_nanos=usd(10),
        effective_at=now,
        expires_at=None if days is None else now + days * DAY,
    )
    return grant_credit(organization=organization, wish=wish, acting_user=None, now=now)


def balance(kind: AccountKind) -> int:
    accounts = LedgerAccount.objects.filter(kind=kind)
    return sum(accounts.values_list("balance_nanos", flat=True))


def events(grant: CreditGrant) -> list[str]:
    found = AuditEvent.objects.filter(target=grant.public_id).order_by("pk")
    return list(found.values_list("action", flat=True))


def test_what_is_granted_is_owed(acme: Organization) -> None:
    grant = give(acme)

    assert balance(AccountKind.CREDIT_LIABILITY) == -usd(10)
    assert events(grant) == ["credit_grant.created"]


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        (CreditKind.PAID, AccountKind.PAYMENTS),
        (CreditKind.PROMOTIONAL, AccountKind.CREDIT_GIVEN),
    ],
)
def test_what_is_voided_goes_back_to_where_it_came_from(
    acme: Organization, op: User, kind: str, source: AccountKind
) -> None:
    grant, now = give(acme, kind), timezone.now()

    void_credit(grant=grant, reason="granted twice", acting_user=op, now=now)
    assert write_off_ended_credit(now=now) == 1

    assert balance(AccountKind.CREDIT_LIABILITY) == balance(source) == 0
    assert events(grant)[1:] == ["credit_grant.voided", "credit_grant.written_off"]


def test_what_expires_is_breakage_once(acme: Organization) -> None:
    grant, later = give(acme), timezone.now() + 9 * DAY

    assert [write_off_ended_credit(now=later) for _ in range(2)] == [1, 0]

    assert balance(AccountKind.BREAKAGE) == -usd(10)
    assert balance(AccountKind.CREDIT_LIABILITY) == 0
    expired = LedgerTransaction.objects.filter(kind=TransactionKind.CREDIT_EXPIRED)
    assert expired.count() == 1
    grant.refresh_from_db()
    assert (grant.left_nanos, grant.written_off_nanos) == (0, usd(10))


def test_nothing_is_written_off_while_a_request_from_before_is_under_way(
    acme: Organization,
) -> None:
    grant, later = give(acme), timezone.now() + 9 * DAY
    hold = held(acme, usd(4))

    assert write_off_ended_credit(now=later) == 0
    book(settling(hold, usd(3)))
    assert write_off_ended_credit(now=later) == 1

    grant.refresh_from_db()
    assert (grant.consumed_nanos, grant.written_off_nanos) == (usd(3), usd(7))


def test_control_a_request_from_afterwards_keeps_nothing_open(
    acme: Organization,
) -> None:
    give(acme, days=None)
    grant, later = give(acme), timezone.now() + 9 * DAY
    held(acme, usd(4))
    HoldRow.objects.update(created_at=later)

    assert write_off_ended_credit(now=later) == 1
    grant.refresh_from_db()
    assert grant.written_off_nanos == usd(10)


def test_credit_that_lives_is_not_written_off(acme: Organization) -> None:
    give(acme)
    give(acme, days=None)

    assert write_off_ended_credit(now=timezone.now() + DAY) == 0
    assert not CreditGrant.objects.exclude(written_off_at=None).exists()


@pytest.mark.parametrize(
    "state", ["voided", "voided by a later clock", "expired", "consumed"]
)
def test_what_has_ended_cannot_be_voided(
    acme: Organization, op: User, state: str
) -> None:
    grant, now = give(acme), timezone.now()
    if state.startswith("voided"):
        void_credit(grant=grant, reason="granted twice", acting_user=op, now=now)
    if state == "voided by a later clock":
        now -= timedelta(seconds=1)
    if state == "consumed":
        CreditGrant.objects.update(consumed_nanos=usd(10))
    now += 20 * DAY if state == "expired" else timedelta()
    before = events(grant)

    with pytest.raises(CannotVoid):
        void_credit(grant=grant, reason="again", acting_user=op, now=now)
    assert events(grant) == before
