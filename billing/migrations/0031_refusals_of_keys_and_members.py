from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0030_alert_ledger"),
        ("orgs", "0019_optional_mails_on_credit_and_quota"),
    ]

    operations = [
        migrations.CreateModel(
            name="ScopeRefusal",
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
                ("cycle_start", models.DateField()),
                (
                    "scope",
                    models.CharField(
                        choices=[("key", "Key"), ("member", "Member")], max_length=6
                    ),
                ),
                ("subject_id", models.BigIntegerField()),
                ("limit_nanos", models.BigIntegerField()),
                ("spent_nanos", models.BigIntegerField()),
                ("refused_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="scoperefusal",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="orgs.organization",
            ),
        ),
        migrations.AddConstraint(
            model_name="scoperefusal",
            constraint=models.UniqueConstraint(
                fields=(
                    "organization",
                    "cycle_start",
                    "scope",
                    "subject_id",
                    "limit_nanos",
                ),
                name="scope_refusal_once_per_amount",
            ),
        ),
        migrations.AddIndex(
            model_name="scoperefusal",
            index=models.Index(fields=["cycle_start"], name="scope_refusal_by_cycle"),
        ),
        migrations.AddConstraint(
            model_name="scoperefusal",
            constraint=models.CheckConstraint(
                condition=models.Q(("scope__in", ["key", "member"])),
                name="scope_refusal_scope_known",
            ),
        ),
    ]
