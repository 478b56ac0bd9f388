"""Say of organizations that are suspended already that the operator did it."""

from __future__ import annotations

from django.db import migrations

FORWARD = """
UPDATE orgs_organization SET suspended_message = 'The operator suspended it.'
WHERE suspended_at IS NOT NULL AND suspended_message = ''
"""


class Migration(migrations.Migration):
    dependencies = [("orgs", "0012_suspended_message")]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
