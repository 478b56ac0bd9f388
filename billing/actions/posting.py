"""
Post facts of money into the ledger, each once.

Whoever grants, voids or expires credit calls these in the transaction of that deed.
A source that is posted already is left alone, so all of it is safe to repeat.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import connection, transaction

from billing import posting
from billing.ledger_models import (
    LedgerEntry,
    LedgerTransaction,
    TransactionKind,
)
from billing.models import CreditGrant, CreditKind
from billing.posting import Amounts
from orgs.models import Organization

MAKE_ACCOUNTS = """
INSERT INTO billing_ledgeraccount (organization_id, kind, balance_nanos)
SELECT organization_id, kind, 0
FROM unnest(%s::bigint[], %s::text[]) AS wanted (organization_id, kind)
WHERE NOT EXISTS (
    SELECT FROM billing_ledgeraccount AS account
    WHERE account.organization_id = wanted.organization_id
        AND account.kind = wanted.kind
)
ORDER BY organization_id, kind
ON CONFLICT (organization_id, kind) DO NOTHING
"""
# Sorted before they are locked: the one order of locks.
LOCK_ACCOUNTS = """
SELECT account.organization_id, account.kind, account.id
FROM billing_ledgeraccount AS account
JOIN unnest(%s::bigint[], %s::text[]) AS wanted (organization_id, kind)
    USING (organization_id, kind)
ORDER BY account.id
FOR NO KEY UPDATE OF account
"""
CHANGE_BALANCES = """
UPDATE billing_ledgeraccount AS account
SET balance_nanos = account.balance_nanos + change.nanos
FROM (
    SELECT id, sum(nanos) AS nanos
    FROM unnest(%s::bigint[], %s::bigint[]) AS entry (id, nanos) GROUP BY id
) AS change
WHERE account.id = change.id
"""
AccountKey = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Posting:
    """A ledger transaction to be. Its source names what it is posted from."""

    organization_id: int
    kind: TransactionKind
    source: str
    amounts: Amounts
    occurred_at: datetime
    cycle_start: date | None = None
    reverses: LedgerTransaction | None = None
    memo: str = ""
    account_keys: list[AccountKey] = field(init=False)

    def __post_init__(self) -> None:
        changing = posting.changing(self.amounts)
        object.__setattr__(self, "amounts", changing)
        keys = [(self.organization_id, str(account)) for account in changing]
        object.__setattr__(self, "account_keys", keys)

    def as_transaction(self, *, now: datetime) -> LedgerTransaction:
        return LedgerTransaction(
            organization_id=self.organization_id,
            kind=self.kind,
            source=self.source,
            cycle_start=self.cycle_start,
            amount_nanos=sum(max(nanos, 0) for nanos in self.amounts.values()),
            occurred_at=self.occurred_at,
            posted_at=now,
            reverses=self.reverses,
            memo=self.memo,
        )


@transaction.atomic
def post(postings: Iterable[Posting], *, now: datetime) -> list[LedgerTransaction]:
    """
    Post what is not posted yet and return it, in order.

    Locks the accounts, in the order of their ids, until the commit; nothing that a
    request waits for. What would change no account is not posted.
    """
    wanted = [each for each in postings if each.amounts]
    accounts = locked_accounts(key for each in wanted for key in each.account_keys)
    # After the locks: whoever posts the same source at once has committed by now.
    known = LedgerTransaction.objects.filter(source__in=[p.source for p in wanted])
    posted = set(known.values_list("source", flat=True))
    new = [each for each in wanted if each.source not in posted]
    transactions = LedgerTransaction.objects.bulk_create(
        [each.as_transaction(now=now) for each in new]
    )
    write_entries(new, transactions, accounts)
    return transactions


def locked_accounts(wanted: Iterable[AccountKey]) -> dict[AccountKey, int]:
    """Lock accounts, made if missing, and return their ids."""
    keys = sorted(set(wanted))
    columns = ([key[0] for key in keys], [key[1] for key in keys])
    with connection.cursor() as cursor:
        cursor.execute(MAKE_ACCOUNTS, columns)
        cursor.execute(LOCK_ACCOUNTS, columns)
        return {(row[0], row[1]): row[2] for row in cursor.fetchall()}


def write_entries(
    postings: Sequence[Posting],
    transactions: Sequence[LedgerTransaction],
    accounts: dict[AccountKey, int],
) -> None:
    """Write the entries of transactions and change the balances by them."""
    entries = [
        LedgerEntry(
            organization_id=each.organization_id,
            transaction=transaction_,
            account_id=accounts[each.organization_id, str(account)],
            amount_nanos=nanos,
        )
        for each, transaction_ in zip(postings, transactions, strict=True)
        for account, nanos in each.amounts.items()
    ]
    LedgerEntry.objects.bulk_create(entries)
    ids = [entry.account_id for entry in entries]
    with connection.cursor() as cursor:
        cursor.execute(CHANGE_BALANCES, [ids, [each.amount_nanos for each in entries]])


def reverse(
    original: LedgerTransaction, *, memo: str, occurred_at: datetime, now: datetime
) -> list[LedgerTransaction]:
    """Post the opposite of a transaction, naming it; a second time does nothing."""
    entries = original.entries.select_related("account")
    taken_back = Posting(
        organization_id=original.organization_id,
        kind=TransactionKind.REVERSAL,
        source=f"reversal:{original.public_id}",
        amounts={
            posting.Account(entry.account.kind): -entry.amount_nanos
            for entry in entries
        },
        occurred_at=occurred_at,
        cycle_start=original.cycle_start,
        reverses=original,
        memo=memo,
    )
    return post([taken_back], now=now)


def post_credit_granted(grant: CreditGrant, *, now: datetime) -> None:
    """Post a credit grant's whole amount; to be called where it is made."""
    amounts = posting.credit_granted_amounts(
        grant.amount_nanos, is_paid=grant.kind == CreditKind.PAID
    )
    post([of_grant(grant, TransactionKind.CREDIT_GRANTED, amounts, now)], now=now)


def post_credit_voided(grant: CreditGrant, nanos: int, *, now: datetime) -> None:
    """Post what is written off of a voided grant; the grant must be locked."""
    amounts = posting.credit_voided_amounts(
        nanos, is_paid=grant.kind == CreditKind.PAID
    )
    post([of_grant(grant, TransactionKind.CREDIT_VOIDED, amounts, now)], now=now)


def post_credit_expired(grant: CreditGrant, nanos: int, *, now: datetime) -> None:
    """Post what is written off of an expired grant; the grant must be locked."""
    amounts = posting.credit_expired_amounts(nanos)
    post([of_grant(grant, TransactionKind.CREDIT_EXPIRED, amounts, now)], now=now)


def of_grant(
    grant: CreditGrant, kind: TransactionKind, amounts: Amounts, now: datetime
) -> Posting:
    """Return a grant's posting: there is one of each kind."""
    return Posting(
        organization_id=grant.organization_id,
        kind=kind,
        source=f"{kind}:{grant.pk}",
        amounts=amounts,
        occurred_at=now,
        memo=grant.name,
    )


def post_adjustment(
    organization: Organization, nanos: int, *, source: str, memo: str, now: datetime
) -> list[LedgerTransaction]:
    """Post an adjustment of the next invoice; negative is in the buyer's favor."""
    adjustment = Posting(
        organization_id=organization.pk,
        kind=TransactionKind.ADJUSTMENT,
        source=source,
        amounts=posting.adjustment_amounts(nanos),
        occurred_at=now,
        memo=memo,
    )
    return post([adjustment], now=now)
