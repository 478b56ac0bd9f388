"""Which limits were reached or lifted, and are not in the alert ledger yet."""

from __future__ import annotations

# A percentage is of the lower of both limits; without either it is of nothing.
THRESHOLD = """COALESCE(
    soft.amount_nanos,
    LEAST(limits.hard_limit_nanos, limits.approved_limit_nanos) * soft.percent / 100
)"""
# What counts as reached: the amount is spent, or a limit refused a request when it was
# all but spent. A threshold set after the cycle does not count for it, and a limit is
# told while it refuses requests.
REACHED_THRESHOLDS = f"""
SELECT soft.organization_id, 'soft_limit' AS kind, {THRESHOLD} AS limit_nanos,
       0::bigint AS subject_id, budget.cycle_start, budget.spent_nanos,
       NULL::bigint AS raised_to_nanos
FROM billing_softlimit AS soft
JOIN billing_budget AS budget USING (organization_id)
LEFT JOIN billing_spendlimits AS limits USING (organization_id)
WHERE soft.basis = 'actual' AND {THRESHOLD} > 0
    AND budget.cycle_start = %(cycle_start)s AND soft.created_at < %(cycle_end)s
    AND budget.spent_nanos >= {THRESHOLD}
"""  # noqa: S608 - our own statement
REACHED_LIMIT = """
SELECT limits.organization_id, '{kind}', limits.{column}, 0::bigint,
       budget.cycle_start, budget.spent_nanos, NULL::bigint
FROM billing_spendlimits AS limits
JOIN billing_budget AS budget USING (organization_id)
WHERE budget.cycle_start = %(cycle_start)s AND %(now)s < %(cycle_end)s
    AND {condition}
    AND (
        budget.spent_nanos >= limits.{column}
        OR EXISTS (
            SELECT FROM billing_limitrefusal AS refusal
            WHERE refusal.organization_id = limits.organization_id
                AND refusal.cycle_start = budget.cycle_start
                AND refusal.limit_nanos = limits.{column}
        )
    )
"""
REACHED_SCOPES = """
SELECT refusal.organization_id, refusal.scope || '_limit', refusal.limit_nanos,
       refusal.subject_id, refusal.cycle_start, refusal.spent_nanos, NULL::bigint
FROM billing_scoperefusal AS refusal
WHERE refusal.cycle_start = %(cycle_start)s AND %(now)s < %(cycle_end)s
"""
# A hard limit that people were told of stops nothing any more: it was raised above the
# spend, or taken away.
LIFTED = """
SELECT reached.organization_id, 'hard_limit_lifted', reached.limit_nanos, 0::bigint,
       reached.cycle_start, budget.spent_nanos, limits.hard_limit_nanos
FROM billing_alert AS reached
JOIN billing_budget AS budget USING (organization_id, cycle_start)
LEFT JOIN billing_spendlimits AS limits USING (organization_id)
WHERE reached.kind = 'hard_limit' AND reached.cycle_start = %(cycle_start)s
    AND %(now)s < %(cycle_end)s
    AND (
        limits.hard_limit_nanos IS NULL
        OR limits.hard_limit_nanos > GREATEST(reached.limit_nanos, budget.spent_nanos)
    )
"""
EVENTS = "\nUNION ALL\n".join(
    [
        REACHED_THRESHOLDS,
        REACHED_LIMIT.format(
            kind="hard_limit", column="hard_limit_nanos", condition="true"
        ),
        # Where the hard limit binds first, its mail is the one that helps.
        REACHED_LIMIT.format(
            kind="approved_limit_reached",
            column="approved_limit_nanos",
            condition=(
                "COALESCE(limits.hard_limit_nanos > limits.approved_limit_nanos, true)"
            ),
        ),
        REACHED_SCOPES,
        LIFTED,
    ]
)
NEWS = f"""
SELECT events.* FROM ({EVENTS}) AS events
WHERE NOT EXISTS (
    SELECT FROM billing_alert AS alert
    WHERE alert.organization_id = events.organization_id
        AND alert.kind = events.kind
        AND alert.cycle_start = events.cycle_start
        AND alert.limit_nanos = events.limit_nanos
        AND alert.subject_id = events.subject_id
)
"""  # noqa: S608 - our own statement
ORGANIZATIONS_WITH_NEWS = f"""
SELECT DISTINCT organization_id FROM ({NEWS}) AS news ORDER BY organization_id
"""  # noqa: S608 - our own statement
# Of two evaluations at once, the unique constraint lets one write each alert; in one
# order, so that they do not wait for each other.
WRITE_ALERTS = f"""
INSERT INTO billing_alert (
    organization_id, kind, limit_nanos, subject_id, cycle_start, spent_nanos,
    raised_to_nanos, created_at
)
SELECT organization_id, kind, limit_nanos, subject_id, cycle_start, spent_nanos,
       raised_to_nanos, %(now)s
FROM ({NEWS}) AS news
WHERE organization_id = %(organization_id)s
ORDER BY kind, limit_nanos, subject_id
ON CONFLICT ON CONSTRAINT alert_once_per_limit_and_cycle DO NOTHING
RETURNING id
"""  # noqa: S608 - our own statement
