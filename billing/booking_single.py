"""
One booking alone, in one round trip: what a quiet gateway does all day.

A plain hold that plainly fits and a plain settlement need no decision in between, so
lock and writes travel together. Whatever is not plain (a refusal, credit, a missing
budget row, a hold that was swept) changes nothing here and goes through
`booking.book`, which decides. tests/billing/test_booking_single.py holds the two to
the same outcome.
"""

from __future__ import annotations

import uuid

from billing import booking, booking_sql
from billing.booking import Booked, Statement, Step, Steps
from billing.booking_types import BudgetKey, Hold, Release, Settlement

# A statement of its own: the next one sees what was committed while we waited. One
# statement for both would see the budget as it is now (Postgres looks again at a row
# that it waited for), but limits, and the parts of keys and members, as they were.
LOCK_BUDGET = """
SELECT id FROM billing_budget
WHERE organization_id = %s::bigint AND cycle_start = %s::date
FOR UPDATE
"""

HOLD_COLUMNS = (
    "event_id, organization_id, api_key_id, user_id, cycle_start, gateway_id, "
    "endpoint, model, simulated, streamed, price_id, bound_nanos, created_at"
)

# The least of the limits that apply; credit does not (billing.limits.Funding).
HOLD_IF_IT_FITS = f"""
WITH wanted AS (
    SELECT * FROM {booking_sql.NEW_HOLDS}
), subject AS (
    SELECT wanted.organization_id, wanted.cycle_start, wanted.bound_nanos,
           whose.scope, whose.subject_id
    FROM wanted, LATERAL (
        VALUES ('key', wanted.api_key_id), ('member', wanted.user_id)
    ) AS whose (scope, subject_id)
    WHERE whose.subject_id IS NOT NULL
), fitting AS (
    UPDATE billing_budget AS budget
    SET held_nanos = budget.held_nanos + wanted.bound_nanos
    FROM wanted
    JOIN orgs_organization AS organization
        ON organization.id = wanted.organization_id
    LEFT JOIN billing_spendlimits AS limits
        ON limits.organization_id = organization.id
    LEFT JOIN billing_billingprofile AS profile
        ON profile.organization_id = organization.id
    WHERE budget.organization_id = wanted.organization_id
        AND budget.cycle_start = wanted.cycle_start
        AND (organization.environment <> 'production' OR profile.id IS NOT NULL)
        AND budget.spent_nanos + budget.held_nanos + wanted.bound_nanos
            <= coalesce(
                least(limits.hard_limit_nanos, limits.approved_limit_nanos),
                9223372036854775807
            )
        AND NOT EXISTS (
            SELECT FROM subject
            LEFT JOIN billing_scopelimit AS own
                USING (organization_id, scope, subject_id)
            LEFT JOIN billing_scopebudget AS part
                USING (organization_id, cycle_start, scope, subject_id)
            WHERE coalesce(part.spent_nanos + part.held_nanos, 0)
                + subject.bound_nanos > {booking_sql.SCOPE_LIMIT}
        )
    RETURNING budget.id
), parts AS (
    INSERT INTO billing_scopebudget AS part
        (organization_id, cycle_start, scope, subject_id, spent_nanos, held_nanos)
    SELECT organization_id, cycle_start, scope, subject_id, 0, bound_nanos
    FROM subject, fitting WHERE bound_nanos > 0
    ON CONFLICT (organization_id, cycle_start, scope, subject_id) DO UPDATE
    SET held_nanos = part.held_nanos + excluded.held_nanos
)
INSERT INTO billing_hold ({HOLD_COLUMNS}, budget_id)
SELECT {HOLD_COLUMNS}, fitting.id FROM wanted, fitting
RETURNING event_id
"""  # noqa: S608 - our own column names

# Where credit may pay, `book` shares the cost out among the grants.
SETTLE_IF_HELD = f"""
WITH record AS (
    SELECT * FROM jsonb_populate_recordset(NULL::usage_usagerecord, %s::jsonb)
), ended AS (
    DELETE FROM billing_hold AS hold USING record
    WHERE hold.event_id = record.event_id AND NOT EXISTS (
        SELECT FROM billing_creditgrant AS credit
        WHERE credit.organization_id = record.organization_id
            AND credit.consumed_nanos < credit.amount_nanos
            AND credit.written_off_at IS NULL
    )
    RETURNING hold.budget_id, hold.bound_nanos
), charged AS (
    UPDATE billing_budget AS budget
    SET spent_nanos = budget.spent_nanos + record.cost_nanos,
        held_nanos = budget.held_nanos - ended.bound_nanos
    FROM record, ended
    WHERE budget.id = ended.budget_id
), parts AS (
    INSERT INTO billing_scopebudget AS part
        (organization_id, cycle_start, scope, subject_id, spent_nanos, held_nanos)
    SELECT record.organization_id, record.cycle_start, whose.scope, whose.subject_id,
           record.cost_nanos, 0
    FROM record, ended, LATERAL (
        VALUES ('key', record.api_key_id), ('member', record.user_id)
    ) AS whose (scope, subject_id)
    WHERE whose.subject_id IS NOT NULL AND record.cost_nanos + ended.bound_nanos > 0
    ON CONFLICT (organization_id, cycle_start, scope, subject_id) DO UPDATE
    SET spent_nanos = part.spent_nanos + excluded.spent_nanos,
        held_nanos = part.held_nanos - (SELECT bound_nanos FROM ended)
)
INSERT INTO usage_usagerecord ({booking_sql.RECORD_COLUMNS})
SELECT {booking_sql.RECORD_COLUMNS} FROM record, ended
RETURNING event_id
"""  # noqa: S608 - our own column names

STATEMENTS = (LOCK_BUDGET, HOLD_IF_IT_FITS, SETTLE_IF_HELD)


def book_one(item: Hold | Settlement | Release) -> Steps:
    """Book one item: at once if it is plain, else as `booking.book` does."""
    statement = statement_of(item)
    if statement is not None:
        lock = Statement(LOCK_BUDGET, key_of(item))
        rows = yield Step([lock, statement], commits=True)
        if rows[1]:
            return Booked(bound_violations=violations_of(item))
    return (
        yield from booking.book(
            holds=[item] if isinstance(item, Hold) else (),
            settlements=[item] if isinstance(item, Settlement) else (),
            releases=[item] if isinstance(item, Release) else (),
        )
    )


def statement_of(item: Hold | Settlement | Release) -> Statement | None:
    """Return the statement that books a plain item, or None if there is none."""
    if isinstance(item, Hold) and item.bound_nanos is not None:
        row = item.as_row(budget_id=0)
        return Statement(HOLD_IF_IT_FITS, (booking_sql.as_json([row]),))
    if isinstance(item, Settlement):
        row = item.record.as_row(credit_nanos=0)
        return Statement(SETTLE_IF_HELD, (booking_sql.as_json([row]),))
    return None


def violations_of(item: Hold | Settlement | Release) -> list[uuid.UUID]:
    is_violated = isinstance(item, Settlement) and item.exceeds_bound
    return [item.event_id] if is_violated else []


def key_of(item: Hold | Settlement | Release) -> BudgetKey:
    return item.hold.key if isinstance(item, Settlement) else item.key
