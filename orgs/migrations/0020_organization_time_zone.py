"""Let an organization say by which clock its usage is shown."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orgs", "0019_optional_mails_on_credit_and_quota")]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="time_zone",
            field=models.CharField(max_length=64, default="UTC", db_default="UTC"),
        ),
    ]
