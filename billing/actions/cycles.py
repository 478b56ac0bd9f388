"""Close billing cycles that are over, and issue their invoices."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, connection, transaction

from billing.actions.invoices import issue_invoice, lock_accounts
from billing.invoice_models import BillingCycle, CycleState
from billing.ledger_queries import posted_up_to
from billing.models import Budget
from core.periods import cycle_of
from usage.models import UsageRecord

logger = logging.getLogger(__name__)

# A request of the last second of a month is held, or booked, a little later.
CLOSING_DELAY = timedelta(minutes=5)

# Each organization's months from its first one, or the one after its last, until now.
# The first is that of its first usage, or of what was adjusted before there was any.
MAKE_CYCLES = """
INSERT INTO billing_billingcycle (organization_id, cycle_start, state)
SELECT organization_id, month::date, 'open'
FROM (
    SELECT organization_id, min(begins) AS first,
           (SELECT max(cycle_start) FROM billing_billingcycle AS cycle
            WHERE cycle.organization_id = began.organization_id) AS last
    FROM (
        SELECT organization_id, cycle_start AS begins FROM billing_budget
        UNION ALL
        SELECT organization_id, cycle_start FROM billing_billingcycle
        UNION ALL
        SELECT account.organization_id,
               date_trunc('month', min(txn.occurred_at) AT TIME ZONE 'UTC')::date
        FROM billing_ledgeraccount AS account
        JOIN billing_ledgerentry AS entry ON entry.account_id = account.id
        JOIN billing_ledgertransaction AS txn ON txn.id = entry.transaction_id
        WHERE account.kind = 'unbilled' AND NOT EXISTS (
            SELECT FROM billing_billingcycle AS cycle
            WHERE cycle.organization_id = account.organization_id
        )
        GROUP BY account.organization_id
    ) AS began
    GROUP BY organization_id
) AS known
CROSS JOIN LATERAL generate_series(
    coalesce(last + interval '1 month', first), %s::date::timestamp, interval '1 month'
) AS month
ORDER BY organization_id, month
ON CONFLICT (organization_id, cycle_start) DO NOTHING
"""


def close_due_cycles(*, now: datetime) -> int:
    """
    Close each cycle that is over, settled and posted; return how many.

    Safe to repeat and to run many times at once: whoever locks a cycle closes it and
    issues its invoice in one transaction. What fails for one organization does not
    keep the others from theirs.

    :raises ExceptionGroup: of what failed, once all others are done.
    """
    with connection.cursor() as cursor:
        cursor.execute(MAKE_CYCLES, [cycle_of(now)])
    over = cycle_of(now - CLOSING_DELAY)
    BillingCycle.objects.filter(cycle_start__lt=over, state=CycleState.OPEN).update(
        state=CycleState.CLOSING
    )
    closing = BillingCycle.objects.filter(state=CycleState.CLOSING)
    closed, failures = 0, []
    for cycle in closing.order_by("organization", "cycle_start"):
        try:
            closed += close_cycle(cycle_id=cycle.pk, now=now)
        except (OperationalError, InterfaceError):
            # The database is away or busy: for all of them.
            raise
        except Exception as error:
            logger.exception("cycle_not_closed cycle=%d", cycle.pk)
            failures.append(error)
    if failures:
        raise ExceptionGroup("cycles were not closed", failures)
    return closed


@transaction.atomic
def close_cycle(*, cycle_id: int, now: datetime) -> bool:
    """Close a cycle that is closing, if nothing of it is outstanding."""
    cycle = (
        BillingCycle.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("organization")
        .filter(pk=cycle_id, state=CycleState.CLOSING)
        .first()
    )
    if cycle is None or not follows_closed(cycle):
        return False
    # Nothing is posted for the organization while we count.
    lock_accounts(cycle.organization)
    up_to = posted_up_to()
    if is_outstanding(cycle, up_to=up_to):
        return False
    issue_invoice(
        organization=cycle.organization,
        cycle_start=cycle.cycle_start,
        up_to=up_to,
        now=now,
    )
    cycle.state, cycle.closed_at, cycle.closed_sequence = CycleState.CLOSED, now, up_to
    cycle.save(update_fields=["state", "closed_at", "closed_sequence"])
    return True


def follows_closed(cycle: BillingCycle) -> bool:
    """Say whether nothing before the cycle is still to be closed."""
    earlier = BillingCycle.objects.filter(
        organization=cycle.organization, cycle_start__lt=cycle.cycle_start
    )
    return not earlier.exclude(state=CycleState.CLOSED).exists()


def is_outstanding(cycle: BillingCycle, *, up_to: int) -> bool:
    """Say whether something of the cycle is held, or booked and not posted yet."""
    of_cycle = {
        "organization": cycle.organization,
        "cycle_start": cycle.cycle_start,
    }
    return (
        Budget.objects.filter(**of_cycle, held_nanos__gt=0).exists()
        or UsageRecord.objects.filter(**of_cycle, sequence__gt=up_to).exists()
    )
