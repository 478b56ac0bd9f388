from __future__ import annotations

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0028_default_limits_of_keys_and_members"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="softlimit",
            name="soft_limit_once",
        ),
        migrations.AddField(
            model_name="softlimit",
            name="basis",
            field=models.CharField(
                choices=[
                    ("actual", "What is spent"),
                    ("forecast", "Where the cycle ends, by the forecast"),
                ],
                db_default="actual",
                default="actual",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="softlimit",
            name="percent",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="softlimit",
            name="recipients",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.EmailField(max_length=254),
                db_default=[],
                default=list,
                size=10,
            ),
        ),
        migrations.AlterField(
            model_name="softlimit",
            name="amount_nanos",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddConstraint(
            model_name="softlimit",
            constraint=models.UniqueConstraint(
                fields=("organization", "basis", "amount_nanos", "percent"),
                name="soft_limit_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="softlimit",
            constraint=models.CheckConstraint(
                condition=models.Q(("percent__gte", 1), ("percent__lte", 100)),
                name="soft_limit_percent_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="softlimit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("amount_nanos__isnull", True), ("percent__isnull", False)
                    ),
                    models.Q(
                        ("amount_nanos__isnull", False), ("percent__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="soft_limit_amount_or_percent",
            ),
        ),
        migrations.AddConstraint(
            model_name="softlimit",
            constraint=models.CheckConstraint(
                condition=models.Q(("basis__in", ["actual", "forecast"])),
                name="soft_limit_basis_known",
            ),
        ),
    ]
