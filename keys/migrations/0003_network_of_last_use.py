"""Keep from which network a key was last used."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("keys", "0002_rotation_blocks_and_use")]

    operations = [
        migrations.AddField(
            model_name="keyuse",
            name="network",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=43
            ),
        ),
    ]
