"""Let each address choose its optional mails for each organization."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    dependencies = [("orgs", "0020_organization_time_zone")]

    operations = [
        migrations.CreateModel(
            name="MailChoice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                ("kind", models.CharField(max_length=40)),
                ("is_wanted", models.BooleanField()),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="orgs.organization",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["organization", "email", "kind"],
                        name="mail_choice_once",
                    ),
                    models.CheckConstraint(
                        condition=Q(email=Lower("email")),
                        name="mail_choice_lower_case",
                    ),
                ],
            },
        ),
    ]
