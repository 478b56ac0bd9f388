"""Tell the gateways when a key is rotated, or blocked in an organization.

Not of the use of former keys, which they note themselves.
"""

from __future__ import annotations

from django.db import migrations

FORWARD = """
CREATE TRIGGER tell_gateways AFTER INSERT OR DELETE OR UPDATE OF ends_at
ON keys_formerkey FOR EACH STATEMENT EXECUTE FUNCTION notify_gateways();
CREATE TRIGGER tell_gateways AFTER INSERT OR DELETE OR UPDATE
ON keys_keyblock FOR EACH STATEMENT EXECUTE FUNCTION notify_gateways();
"""
BACKWARD = """
DROP TRIGGER tell_gateways ON keys_formerkey;
DROP TRIGGER tell_gateways ON keys_keyblock;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0010_prices_by_kind_and_tier"),
        ("keys", "0002_rotation_blocks_and_use"),
    ]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
