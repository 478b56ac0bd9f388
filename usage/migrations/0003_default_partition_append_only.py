"""Refuse changes in the default partition too, as in every partition made since.

A statement that names a partition does not fire the triggers of the whole table.
"""

from __future__ import annotations

from django.db import migrations

FORWARD = """
CREATE OR REPLACE TRIGGER usage_record_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON usage_usagerecord_default
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
BACKWARD = "DROP TRIGGER usage_record_append_only ON usage_usagerecord_default;"


class Migration(migrations.Migration):
    dependencies = [("usage", "0002_usage_records_partitioned")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
