"""Let no organization be suspended without a message, nor have one otherwise."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("orgs", "0013_fill_suspended_messages")]

    operations = [
        migrations.AddConstraint(
            model_name="organization",
            constraint=models.CheckConstraint(
                condition=Q(suspended_at__isnull=True, suspended_message="")
                | Q(suspended_at__isnull=False) & ~Q(suspended_message=""),
                name="organization_suspended_with_a_message",
            ),
        ),
    ]
