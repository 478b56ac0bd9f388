"""Find at once the records that cost more than was held: there should be none."""

from __future__ import annotations

from django.db import migrations

FORWARD = """
CREATE INDEX usage_record_beyond_hold
    ON usage_usagerecord (organization_id, cycle_start)
    WHERE held_nanos > 0 AND cost_nanos > held_nanos
"""


class Migration(migrations.Migration):
    dependencies = [("usage", "0006_endpoints_of_media")]

    operations = [migrations.RunSQL(FORWARD, "DROP INDEX usage_record_beyond_hold")]
