"""The SQL of the books. Parameters are arrays, so that a batch is one statement."""

from __future__ import annotations

from typing import Any

import orjson

from usage.counts import COUNTS

# Sorted before they are locked: the one order of locks.
LOCK_BUDGETS = """
SELECT budget.id, budget.organization_id, budget.cycle_start,
       budget.spent_nanos, budget.held_nanos
FROM billing_budget AS budget
JOIN unnest(%s::bigint[], %s::date[]) AS wanted (organization_id, cycle_start)
    USING (organization_id, cycle_start)
ORDER BY budget.id
FOR UPDATE OF budget
"""

MAKE_BUDGETS = """
INSERT INTO billing_budget (organization_id, cycle_start, spent_nanos, held_nanos)
SELECT organization_id, cycle_start, 0, 0
FROM unnest(%s::bigint[], %s::date[]) AS wanted (organization_id, cycle_start)
ORDER BY organization_id, cycle_start
ON CONFLICT (organization_id, cycle_start) DO NOTHING
"""

# Its own statement, after the locks: it sees limits committed while we waited.
TERMS = """
SELECT organization.id, limits.hard_limit_nanos, limits.approved_limit_nanos,
       organization.environment = 'production' AND profile.id IS NULL,
       CASE WHEN organization.environment = 'production' AND profile.id IS NULL THEN
           (SELECT coalesce(sum(budget.held_nanos), 0) FROM billing_budget AS budget
            WHERE budget.organization_id = organization.id)
       ELSE 0 END
FROM orgs_organization AS organization
LEFT JOIN billing_spendlimits AS limits ON limits.organization_id = organization.id
LEFT JOIN billing_billingprofile AS profile
    ON profile.organization_id = organization.id
WHERE organization.id = ANY(%s::bigint[])
"""

# Locked too, so that credit is not consumed twice by two cycles at once. One that has
# ended pays for what was held before; then it is written off (billing.actions.credit).
# By the transaction's time, as holds are dated: what is admitted by a grant is from
# before its end.
LOCK_GRANTS = """
SELECT grants.id, grants.organization_id,
       grants.amount_nanos - grants.consumed_nanos, grants.expires_at,
       grants.priority, ending.at, coalesce(ending.at > now(), true),
       CASE WHEN ending.at <= now() THEN
           (SELECT coalesce(sum(hold.bound_nanos), 0)::bigint
            FROM billing_hold AS hold
            WHERE hold.organization_id = grants.organization_id
                AND hold.created_at < ending.at)
       ELSE 0 END
FROM billing_creditgrant AS grants
CROSS JOIN LATERAL (SELECT least(grants.expires_at, grants.voided_at)) AS ending (at)
WHERE grants.organization_id = ANY(%s::bigint[])
    AND grants.consumed_nanos < grants.amount_nanos
    AND grants.written_off_at IS NULL
    AND grants.effective_at <= clock_timestamp()
ORDER BY grants.id
FOR UPDATE OF grants
"""

# A key's or member's own limit, or else the organization's default for those without.
SCOPE_LIMIT = """coalesce(
    own.amount_nanos,
    CASE scope WHEN 'key' THEN limits.key_default_nanos
               ELSE limits.member_default_nanos END
)"""

# What keys and members spent and hold, where a limit of theirs may say no.
SCOPE_LIMITS = f"""
SELECT wanted.organization_id, wanted.cycle_start, wanted.scope, wanted.subject_id,
       coalesce(key.name, nullif(person.name, ''), person.email, ''),
       {SCOPE_LIMIT}, coalesce(budget.spent_nanos, 0),
       coalesce(budget.held_nanos, 0)
FROM unnest(%s::bigint[], %s::date[], %s::text[], %s::bigint[])
    AS wanted (organization_id, cycle_start, scope, subject_id)
LEFT JOIN billing_scopelimit AS own USING (organization_id, scope, subject_id)
LEFT JOIN billing_spendlimits AS limits USING (organization_id)
LEFT JOIN billing_scopebudget AS budget
    USING (organization_id, cycle_start, scope, subject_id)
LEFT JOIN keys_apikey AS key ON scope = 'key' AND key.id = subject_id
LEFT JOIN orgs_user AS person ON scope = 'member' AND person.id = subject_id
WHERE {SCOPE_LIMIT} IS NOT NULL
"""  # noqa: S608 - our own words

OPEN_HOLDS = """
SELECT event_id, bound_nanos, api_key_id, user_id, created_at
FROM billing_hold WHERE event_id = ANY(%s::uuid[])
"""

PAST_RECORDS = """
SELECT event_id, kind, cost_nanos FROM usage_usagerecord
WHERE event_id = ANY(%s::uuid[])
"""

CHANGE_BUDGETS = """
UPDATE billing_budget AS budget
SET spent_nanos = budget.spent_nanos + change.spent,
    held_nanos = budget.held_nanos + change.held
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS change (id, spent, held)
WHERE budget.id = change.id
"""

# Before they are changed: a key or member that nothing was booked for yet has none.
MAKE_SCOPE_BUDGETS = """
INSERT INTO billing_scopebudget
    (organization_id, cycle_start, scope, subject_id, spent_nanos, held_nanos)
SELECT organization_id, cycle_start, scope, subject_id, 0, 0
FROM unnest(%s::bigint[], %s::date[], %s::text[], %s::bigint[])
    AS wanted (organization_id, cycle_start, scope, subject_id)
WHERE NOT EXISTS (
    SELECT FROM billing_scopebudget AS budget
    WHERE budget.organization_id = wanted.organization_id
        AND budget.cycle_start = wanted.cycle_start
        AND budget.scope = wanted.scope
        AND budget.subject_id = wanted.subject_id
)
"""

CHANGE_SCOPE_BUDGETS = """
UPDATE billing_scopebudget AS budget
SET spent_nanos = budget.spent_nanos + change.spent,
    held_nanos = budget.held_nanos + change.held
FROM unnest(%s::bigint[], %s::date[], %s::text[], %s::bigint[],
            %s::bigint[], %s::bigint[])
    AS change (organization_id, cycle_start, scope, subject_id, spent, held)
WHERE budget.organization_id = change.organization_id
    AND budget.cycle_start = change.cycle_start
    AND budget.scope = change.scope
    AND budget.subject_id = change.subject_id
"""

# Dated by Postgres' clock, by which the sweep goes too: a gateway's may be wrong. When
# its transaction began, by which credit is judged.
NEW_HOLDS = """jsonb_populate_recordset(
    jsonb_populate_record(
        NULL::billing_hold, jsonb_build_object('created_at', now())
    ),
    %s::jsonb
)"""

ADD_HOLDS = f"""
INSERT INTO billing_hold
SELECT * FROM {NEW_HOLDS}
"""  # noqa: S608 - our own words

END_HOLDS = "DELETE FROM billing_hold WHERE event_id = ANY(%s::uuid[])"

RECORD_COLUMNS = (
    "event_id, occurred_at, organization_id, api_key_id, user_id, endpoint, model, "
    f"simulated, {', '.join(COUNTS)}, cost_nanos, cycle_start, kind, corrects, "
    "outcome, status_code, streamed, service_tier, price_id, held_nanos, credit_nanos, "
    "latency_ms, first_token_ms"
)

ADD_RECORDS = f"""
INSERT INTO usage_usagerecord ({RECORD_COLUMNS})
SELECT {RECORD_COLUMNS}
FROM jsonb_populate_recordset(NULL::usage_usagerecord, %s::jsonb)
"""  # noqa: S608 - both parts are our own column names

CONSUME_GRANTS = """
UPDATE billing_creditgrant AS credit
SET consumed_nanos = credit.consumed_nanos + used.nanos
FROM unnest(%s::bigint[], %s::bigint[]) AS used (id, nanos)
WHERE credit.id = used.id
"""

NOTE_REFUSALS = """
INSERT INTO billing_limitrefusal
    (organization_id, cycle_start, limit_nanos, refused_at)
SELECT organization_id, cycle_start, limit_nanos, clock_timestamp()
FROM unnest(%s::bigint[], %s::date[], %s::bigint[])
    AS refused (organization_id, cycle_start, limit_nanos)
ORDER BY organization_id, cycle_start, limit_nanos
ON CONFLICT (organization_id, cycle_start, limit_nanos) DO NOTHING
"""

NOTE_SCOPE_REFUSALS = """
INSERT INTO billing_scoperefusal (
    organization_id, cycle_start, scope, subject_id, limit_nanos, spent_nanos,
    refused_at
)
SELECT refused.*, clock_timestamp()
FROM unnest(
    %s::bigint[], %s::date[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[]
) AS refused (
    organization_id, cycle_start, scope, subject_id, limit_nanos, spent_nanos
)
ORDER BY organization_id, cycle_start, scope, subject_id, limit_nanos
ON CONFLICT (organization_id, cycle_start, scope, subject_id, limit_nanos) DO NOTHING
"""

# What a booking may run; the gateway prepares them once per connection.
OF_BOOKING = (
    LOCK_BUDGETS,
    MAKE_BUDGETS,
    LOCK_GRANTS,
    TERMS,
    SCOPE_LIMITS,
    OPEN_HOLDS,
    PAST_RECORDS,
    CHANGE_BUDGETS,
    MAKE_SCOPE_BUDGETS,
    CHANGE_SCOPE_BUDGETS,
    ADD_HOLDS,
    END_HOLDS,
    ADD_RECORDS,
    CONSUME_GRANTS,
    NOTE_REFUSALS,
    NOTE_SCOPE_REFUSALS,
)

BEAT = """
INSERT INTO billing_gatewayprocess (id, host, pid, started_at, beat_at)
VALUES (%s, %s, %s, clock_timestamp(), clock_timestamp())
ON CONFLICT (id) DO UPDATE SET beat_at = clock_timestamp()
"""

SIGN_OFF = "DELETE FROM billing_gatewayprocess WHERE id = %s"

# Gone for a day, with nothing held: nobody will ask for it again.
FORGET_GATEWAYS = """
DELETE FROM billing_gatewayprocess AS process
WHERE process.beat_at < clock_timestamp() - interval '1 day'
    AND NOT EXISTS (
        SELECT FROM billing_hold AS hold WHERE hold.gateway_id = process.id
    )
"""

OLD_HOLDS_OF_GATEWAY = """
SELECT event_id, organization_id, cycle_start FROM billing_hold
WHERE gateway_id = %s AND created_at < clock_timestamp() - make_interval(secs => %s)
"""

# Its age in milliseconds, as long as the record's column can tell: 24 days.
ORPHANED_HOLDS = """
SELECT hold.event_id, hold.organization_id, hold.api_key_id, hold.user_id,
       hold.cycle_start, hold.gateway_id, hold.endpoint, hold.model, hold.simulated,
       hold.streamed, hold.price_id, hold.bound_nanos,
       least(extract(epoch FROM clock_timestamp() - hold.created_at) * 1000, 2147483647)
FROM billing_hold AS hold
LEFT JOIN billing_gatewayprocess AS process ON process.id = hold.gateway_id
WHERE coalesce(process.beat_at, hold.created_at)
    < clock_timestamp() - make_interval(secs => %s)
ORDER BY hold.event_id
LIMIT %s
"""


def as_json(rows: list[dict[str, Any]]) -> str:
    """Write rows as the JSON that Postgres turns back into columns by name."""
    return orjson.dumps(rows).decode()
