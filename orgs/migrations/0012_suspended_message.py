"""Keep why an organization is suspended, for its members to read."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orgs", "0011_an_owner_stays")]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="suspended_message",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=500
            ),
        ),
    ]
