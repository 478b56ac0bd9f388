"""Find at once the records of models without a price: there should be few."""

from __future__ import annotations

from django.db import migrations

FORWARD = """
CREATE INDEX usage_record_unpriced ON usage_usagerecord (organization_id, occurred_at)
    WHERE price_id = 0 AND outcome <> 'cached' AND endpoint <> 'moderations'
"""


class Migration(migrations.Migration):
    dependencies = [("usage", "0010_partitions_are_made_by_the_owner")]

    operations = [migrations.RunSQL(FORWARD, "DROP INDEX usage_record_unpriced")]
