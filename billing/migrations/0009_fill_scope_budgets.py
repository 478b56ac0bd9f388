"""Sum up what each key and member spent and holds. Safe to repeat."""

from __future__ import annotations

from django.db import migrations

# Nobody books meanwhile: a booking waits for the lock of its budget.
LOCK = "SELECT FROM billing_budget ORDER BY id FOR UPDATE"

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
WHERE subject_id IS NOT NULL
GROUP BY organization_id, cycle_start, scope, subject_id
ON CONFLICT (organization_id, cycle_start, scope, subject_id) DO UPDATE
SET spent_nanos = excluded.spent_nanos, held_nanos = excluded.held_nanos
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0008_limits_of_keys_and_members"),
        ("usage", "0004_more_endpoints"),
    ]

    operations = [migrations.RunSQL([LOCK, FILL], migrations.RunSQL.noop)]
