"""Who has an account got it by a mailed link or from the operator: verified addresses."""

from __future__ import annotations

from django.db import migrations

FORWARD = """
INSERT INTO account_emailaddress (user_id, email, verified, "primary")
SELECT id, email, true, true FROM orgs_user
WHERE NOT EXISTS (
    SELECT 1 FROM account_emailaddress
    WHERE lower(account_emailaddress.email) = orgs_user.email
       OR account_emailaddress.user_id = orgs_user.id
)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("orgs", "0006_personal_settings"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
