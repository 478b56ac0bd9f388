"""
Sum up anew what keys and members spent, where a gateway of an older release booked.

Gateways from before migration 0008 book without the parts of keys and members. They go
on working while the processes are restarted; what they booked is found here.
"""

from __future__ import annotations

import logging

from django.db import connection, transaction

logger = logging.getLogger(__name__)

# One statement sees budgets and parts of one moment: they differ by what was booked
# without parts alone. Older cycles are not booked on any more.
DIFFERING = """
SELECT budget.id FROM billing_budget AS budget
LEFT JOIN (
    SELECT organization_id, cycle_start, sum(spent_nanos) AS spent_nanos,
           sum(held_nanos) AS held_nanos
    FROM billing_scopebudget
    WHERE scope = 'key' AND cycle_start >= now() - interval '2 months'
    GROUP BY organization_id, cycle_start
) AS keys USING (organization_id, cycle_start)
WHERE cycle_start >= now() - interval '2 months'
    AND (budget.spent_nanos, budget.held_nanos) IS DISTINCT FROM
        (coalesce(keys.spent_nanos, 0), coalesce(keys.held_nanos, 0))
ORDER BY budget.id
"""

LOCK = """
SELECT organization_id, cycle_start FROM billing_budget
WHERE id = ANY(%s) ORDER BY id FOR UPDATE
"""

CLEAR = """
UPDATE billing_scopebudget SET spent_nanos = 0, held_nanos = 0
WHERE organization_id = %s AND cycle_start = %s
"""

FILL = """
INSERT INTO billing_scopebudget
    (organization_id, cycle_start, scope, subject_id, spent_nanos, held_nanos)
SELECT organization_id, cycle_start, scope, subject_id, sum(spent), sum(held)
FROM (
    SELECT organization_id, cycle_start, api_key_id, user_id,
           cost_nanos AS spent, 0 AS held
    FROM usage_usagerecord
    UNION ALL
    SELECT organization_id, cycle_start, api_key_id, user_id, 0, bound_nanos
    FROM billing_hold
) AS amounts
CROSS JOIN LATERAL (
    VALUES ('key', api_key_id), ('member', user_id)
) AS subject (scope, subject_id)
WHERE subject_id IS NOT NULL AND organization_id = %s AND cycle_start = %s
GROUP BY organization_id, cycle_start, scope, subject_id
ON CONFLICT (organization_id, cycle_start, scope, subject_id) DO UPDATE
SET spent_nanos = excluded.spent_nanos, held_nanos = excluded.held_nanos
"""


@transaction.atomic(durable=True)
def mend_scope_budgets() -> int:
    """
    Bring the parts of budgets that lack some in line with records and holds.

    Returns how many budgets were mended: none, but after an upgrade. Safe to repeat.
    """
    with connection.cursor() as cursor:
        cursor.execute(DIFFERING)
        budgets = [budget_id for (budget_id,) in cursor.fetchall()]
        if not budgets:
            return 0
        # Nobody books on them from here on.
        cursor.execute(LOCK, [budgets])
        for key in cursor.fetchall():
            cursor.execute(CLEAR, key)
            cursor.execute(FILL, key)
            logger.warning("scope_budgets_mended organization=%s cycle=%s", *key)
    return len(budgets)
