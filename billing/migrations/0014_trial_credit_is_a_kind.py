"""Grants made for somebody's trial are of that kind."""

from __future__ import annotations

from django.db import migrations

FORWARD = """
UPDATE billing_creditgrant SET kind = 'trial'
WHERE trial_of_id IS NOT NULL OR name = 'Trial credit'
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0013_credit_grants")]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
