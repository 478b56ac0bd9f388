"""Keep how much of a record's cost credit paid, for the ledger.

Null where nobody noted it: records from before, and those of a gateway of the
release before, while an upgrade restarts one process after the other.
"""

from __future__ import annotations

from django.db import migrations

FORWARD = """
ALTER TABLE usage_usagerecord ADD credit_nanos bigint,
    ADD CONSTRAINT usage_record_credit_within_cost
        CHECK (credit_nanos BETWEEN 0 AND greatest(cost_nanos, 0));
"""
BACKWARD = "ALTER TABLE usage_usagerecord DROP credit_nanos;"


class Migration(migrations.Migration):
    dependencies = [("usage", "0008_last_uses_of_keys")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
