"""Say of the keys that are there when they were last used, from the hourly sums."""

from __future__ import annotations

from django.db import migrations

FORWARD = """
INSERT INTO keys_keyuse (organization_id, api_key_id, last_used_at, model)
SELECT DISTINCT ON (used.organization_id, used.api_key_id)
    used.organization_id, used.api_key_id, used.hour, used.model
FROM usage_usagehour AS used
JOIN keys_apikey ON keys_apikey.id = used.api_key_id
JOIN orgs_organization ON orgs_organization.id = used.organization_id
WHERE used.requests > 0
ORDER BY used.organization_id, used.api_key_id, used.hour DESC
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [
        ("keys", "0002_rotation_blocks_and_use"),
        ("usage", "0007_records_beyond_their_hold"),
    ]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
