"""Count the mails of an invitation, so that they can be rationed."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("orgs", "0009_deleted_organizations")]

    operations = [
        migrations.AddField(
            model_name="invitation",
            name="sent_at",
            field=models.DateTimeField(db_default=Now()),
        ),
        migrations.AddField(
            model_name="invitation",
            name="times_sent",
            field=models.PositiveSmallIntegerField(db_default=1, default=1),
        ),
    ]
