"""Turn what people refused everywhere into a choice for each of their organizations."""

from __future__ import annotations

from django.db import migrations

FORWARD = """
INSERT INTO orgs_mailchoice (organization_id, email, kind, is_wanted)
SELECT member.organization_id, person.email, refused.kind, false
FROM orgs_mailoptout AS refused
JOIN orgs_user AS person ON person.id = refused.user_id
JOIN orgs_membership AS member ON member.user_id = person.id
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("orgs", "0021_mail_choices")]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
