"""
Post usage into the ledger: batches of records in booking order.

The ledger follows the records, never the other way round: nothing that a request waits
for happens here. Each batch is a range of sequence numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, TextField, Value
from django.db.models.functions import Cast, Concat

from billing import posting
from billing.actions.posting import (
    Posting,
    locked_accounts,
    post,
    post_credit_granted,
)
from billing.ledger_models import (
    LedgerTransaction,
    PostingWatermark,
    TransactionKind,
)
from billing.ledger_queries import posted_up_to
from billing.models import CreditGrant
from usage.models import RollupWatermark

BATCH_MAX = 200_000

MAKE_WATERMARK = """
INSERT INTO billing_postingwatermark (id, sequence) VALUES (1, 0)
ON CONFLICT (id) DO NOTHING
"""
# Organizations of a demo that was removed meanwhile have no accounts any more.
USAGE_OF_RANGE = """
SELECT record.organization_id, record.cycle_start, record.simulated,
       sum(record.cost_nanos)::bigint, sum(coalesce(record.credit_nanos, 0))::bigint,
       bool_or(record.credit_nanos IS NULL AND record.cost_nanos > 0),
       max(record.booked_at)
FROM usage_usagerecord AS record
JOIN orgs_organization ON orgs_organization.id = record.organization_id
WHERE record.sequence > %s AND record.sequence <= %s
GROUP BY record.organization_id, record.cycle_start, record.simulated
ORDER BY record.organization_id, record.cycle_start, record.simulated
"""
# One statement, so one snapshot: the books consume credit with the record.
CREDIT_NOT_POSTED = """
SELECT account.organization_id, -account.balance_nanos
    - (SELECT coalesce(sum(amount_nanos - consumed_nanos - written_off_nanos), 0)
       FROM billing_creditgrant AS credit
       WHERE credit.organization_id = account.organization_id)
    - (SELECT coalesce(sum(credit_nanos), 0) FROM usage_usagerecord AS record
       WHERE record.organization_id = account.organization_id
           AND record.sequence > %s)
FROM billing_ledgeraccount AS account
WHERE account.kind = 'credit_liability' AND account.organization_id = ANY(%s::bigint[])
ORDER BY account.organization_id
"""


@dataclass(frozen=True, slots=True)
class UsageSum:
    """What the records of a range come to, for one organization and cycle."""

    organization_id: int
    cycle_start: date
    simulated: bool
    cost_nanos: int
    credit_nanos: int
    # A record of before the ledger does not say what credit paid of it.
    lacks_credit: bool
    booked_at: datetime

    def as_posting(self, places: str) -> Posting:
        kind = (
            TransactionKind.SIMULATED_USAGE if self.simulated else TransactionKind.USAGE
        )
        cycle = f"{self.cycle_start:%Y-%m}"
        return Posting(
            organization_id=self.organization_id,
            kind=kind,
            source=f"{kind}:{self.organization_id}:{cycle}:{places}",
            amounts=posting.usage_amounts(
                self.cost_nanos, self.credit_nanos, simulated=self.simulated
            ),
            occurred_at=self.booked_at,
            cycle_start=self.cycle_start,
        )


def post_usage(*, now: datetime, batch_max: int = BATCH_MAX) -> int:
    """
    Post every record that the rollups have, and return up to which one.

    A batch's transactions and the watermark are written together: repeating adds
    nothing, and of two runs at once one leaves the work to the other.
    """
    while True:
        place = post_batch(now=now, batch_max=batch_max)
        if place is None or place >= RollupWatermark.objects.get().sequence:
            return posted_up_to()


@transaction.atomic
def post_batch(*, now: datetime, batch_max: int) -> int | None:
    """Post at most `batch_max` records; None if another run is at it."""
    with connection.cursor() as cursor:
        cursor.execute(MAKE_WATERMARK)
    watermark = PostingWatermark.objects.select_for_update(skip_locked=True).first()
    if watermark is None:
        return None
    start = watermark.sequence
    stop = min(RollupWatermark.objects.get().sequence, start + batch_max)
    if stop <= start:
        return start
    post_range(start, stop, now=now)
    watermark.sequence = stop
    watermark.save(update_fields=["sequence"])
    return stop


def post_range(start: int, stop: int, *, now: datetime) -> None:
    """Post the records after `start` up to `stop`; no other range may overlap."""
    places, sums = f"{start + 1}-{stop}", usage_of_range(start, stop)
    post_grants_of_before(sorted({each.organization_id for each in sums}), now=now)
    post((each.as_posting(places) for each in sums), now=now)
    lacking = sorted({each.organization_id for each in sums if each.lacks_credit})
    post(early_credit(lacking, stop=stop, places=places, now=now), now=now)


def usage_of_range(start: int, stop: int) -> list[UsageSum]:
    with connection.cursor() as cursor:
        cursor.execute(USAGE_OF_RANGE, [start, stop])
        return [UsageSum(*row) for row in cursor.fetchall()]


def post_grants_of_before(organization_ids: Sequence[int], *, now: datetime) -> None:
    """Post the grants that were made before there was a ledger."""
    source = Concat(
        Value(f"{TransactionKind.CREDIT_GRANTED}:"),
        Cast(OuterRef("pk"), TextField()),
    )
    posted = LedgerTransaction.objects.filter(source=source)
    grants = CreditGrant.objects.filter(organization__in=organization_ids)
    for grant in grants.filter(~Exists(posted)).order_by("pk"):
        post_credit_granted(grant, now=now)


def early_credit(
    organization_ids: Sequence[int], *, stop: int, places: str, now: datetime
) -> Iterator[Posting]:
    """Yield what credit paid of records that do not say so: what is gone of it."""
    if not organization_ids:
        return
    # No credit is granted or written off while we look.
    lock = [(each, str(posting.Account.CREDIT_LIABILITY)) for each in organization_ids]
    locked_accounts(lock)
    with connection.cursor() as cursor:
        cursor.execute(CREDIT_NOT_POSTED, [stop, list(organization_ids)])
        rows = cursor.fetchall()
    for organization_id, nanos in rows:
        yield Posting(
            organization_id=organization_id,
            kind=TransactionKind.EARLY_CREDIT,
            source=f"{TransactionKind.EARLY_CREDIT}:{organization_id}:{places}",
            amounts=posting.early_credit_amounts(int(nanos)),
            occurred_at=now,
        )
