"""The ledger: each fact is posted once, in balance, and never changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from billing.actions.posting import (
    post_adjustment,
    post_credit_expired,
    post_credit_granted,
    post_credit_voided,
    reverse,
)
from billing.ledger_models import LedgerAccount, LedgerEntry, LedgerTransaction
from billing.posting import Account, usage_amounts
from orgs.models import Organization
from tests.billing.books import book, grant, held, hold_of, records, settling
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def balances(organization: Organization) -> dict[str, int]:
    """Return the accounts that are not even."""
    accounts = LedgerAccount.objects.filter(organization=organization)
    found = dict(accounts.values_list("kind", "balance_nanos"))
    return {kind: nanos for kind, nanos in found.items() if nanos}


def commit_checks() -> None:
    """Let the database look as it does at a commit."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def test_a_grant_is_owed_until_it_is_used(acme: Organization) -> None:
    post_credit_granted(grant(acme, 500, days=9), now=NOW)

    commit_checks()
    assert balances(acme) == {"credit_given": 500, "credit_liability": -500}


def test_paid_credit_comes_from_payments(acme: Organization) -> None:
    given = grant(acme, 500, days=9)
    given.kind = "paid"
    post_credit_granted(given, now=NOW)
    assert balances(acme) == {"payments": 500, "credit_liability": -500}


def test_what_expires_is_breakage_and_what_is_voided_was_not_given(
    acme: Organization,
) -> None:
    expired, voided = grant(acme, 500, days=1), grant(acme, 70, days=9)
    for each in (expired, voided):
        post_credit_granted(each, now=NOW)

    post_credit_expired(expired, 200, now=NOW)
    post_credit_voided(voided, 70, now=NOW)

    assert balances(acme) == {
        "credit_given": 500,
        "credit_liability": -300,
        "breakage": -200,
    }


def test_posting_the_same_again_changes_nothing(acme: Organization) -> None:
    given = grant(acme, 500, days=9)
    for _ in range(3):
        post_credit_granted(given, now=NOW)

    assert LedgerTransaction.objects.count() == 1
    assert balances(acme)["credit_liability"] == -500


def test_a_reversal_names_what_it_takes_back_and_happens_once(
    acme: Organization,
) -> None:
    (posted,) = post_adjustment(acme, -80, source="adjustment:1", memo="Sorry", now=NOW)

    (reversal,) = reverse(posted, memo="A slip", occurred_at=NOW, now=NOW)

    assert reverse(posted, memo="A slip", occurred_at=NOW, now=NOW) == []
    assert reversal.reverses == posted
    assert balances(acme) == {}
    commit_checks()


def test_an_amount_that_is_nothing_is_not_posted(acme: Organization) -> None:
    post_credit_expired(grant(acme, 9, days=1), 0, now=NOW)
    assert not LedgerTransaction.objects.exists()


@pytest.mark.parametrize("simulated", [True, False])
def test_usage_posts_sum_to_zero_and_simulated_usage_is_never_owed(
    simulated: bool,
) -> None:
    amounts = usage_amounts(100, 0 if simulated else 30, simulated=simulated)

    assert sum(amounts.values()) == 0
    assert amounts.get(Account.UNBILLED, 0) == (0 if simulated else 70)


def test_the_database_refuses_what_is_not_in_balance(acme: Organization) -> None:
    account = LedgerAccount.objects.create(organization=acme, kind="usage")
    for amounts in ([], [5], [5, -4]):
        with pytest.raises(IntegrityError), transaction.atomic():
            add_transaction(account, amounts)
    assert not LedgerTransaction.objects.exists()


def test_nothing_is_added_to_a_transaction_later(acme: Organization) -> None:
    post_credit_granted(grant(acme, 500, days=9), now=NOW)
    commit_checks()
    posted = LedgerTransaction.objects.get()
    others = ("tax", "usage")
    accounts = [LedgerAccount.objects.create(organization=acme, kind=k) for k in others]

    with pytest.raises(IntegrityError), transaction.atomic():
        add_entries(posted, zip(accounts, (7, -7), strict=True))
    assert LedgerEntry.objects.count() == 2


def test_an_entry_is_of_its_transactions_organization(
    acme: Organization, globex: Organization
) -> None:
    theirs = LedgerAccount.objects.create(organization=globex, kind="usage")
    ours = LedgerAccount.objects.create(organization=acme, kind="unbilled")
    with pytest.raises(IntegrityError), transaction.atomic():
        add_transaction(ours, [5], other=theirs)


@pytest.mark.parametrize("model", [LedgerTransaction, LedgerEntry])
def test_the_ledger_is_append_only(
    acme: Organization, model: type[LedgerTransaction]
) -> None:
    post_credit_granted(grant(acme, 500, days=9), now=NOW)

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        model.objects.update(amount_nanos=1)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        model.objects.all()._raw_delete("default")
    assert model.objects.exists()


def test_a_record_says_what_credit_paid_of_it(acme: Organization) -> None:
    grant(acme, 100, days=9)
    first, second = held(acme, 60), held(acme, 40)

    book(settling(first, 70))
    book(settling(second, 50))

    assert [record.credit_nanos for record in records(acme)] == [70, 30]


def test_simulated_usage_takes_nothing_from_credit(acme: Organization) -> None:
    given = grant(acme, 100, days=9)
    hold = hold_of(acme, 60, at=datetime.now(UTC))
    object.__setattr__(hold, "simulated", True)
    book(hold)

    book(settling(hold, 60))

    given.refresh_from_db()
    assert (given.consumed_nanos, records(acme)[0].credit_nanos) == (0, 0)


def test_balances_are_the_sums_of_entries(acme: Organization) -> None:
    for number in range(3):
        post_adjustment(acme, 10 + number, source=f"a:{number}", memo="", now=NOW)
    for account in LedgerAccount.objects.annotate(sum=Sum("entries__amount_nanos")):
        assert account.balance_nanos == account.sum


def add_transaction(
    account: LedgerAccount, amounts: list[int], *, other: LedgerAccount | None = None
) -> None:
    """Write a transaction past the action, with one entry per amount."""
    organization, kinds = account.organization, ["tax", "unbilled"]
    posted = LedgerTransaction.objects.create(
        organization=organization,
        kind="adjustment",
        source="adjustment:test",
        amount_nanos=5,
        occurred_at=NOW,
        posted_at=NOW,
    )
    entries = []
    for nanos in amounts:
        entries.append((account, nanos))
        account, _ = LedgerAccount.objects.get_or_create(
            organization=organization, kind=kinds.pop()
        )
    if other is not None:
        entries.append((other, -sum(amounts)))
    add_entries(posted, entries)


def add_entries(
    posted: LedgerTransaction, entries: Iterable[tuple[LedgerAccount, int]]
) -> None:
    for account, nanos in entries:
        LedgerEntry.objects.create(
            organization=posted.organization,
            transaction=posted,
            account=account,
            amount_nanos=nanos,
        )
    commit_checks()
