"""
Credit of several kinds, in an order, for good or not, voided, written off.

Ids of rows that are there come from the database's default, a new one for each row.
"""

from __future__ import annotations

import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import billing.funding_models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0012_billing_information"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="creditgrant",
            name="created_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="creditgrant",
            name="kind",
            field=models.CharField(
                choices=[
                    ("trial", "Trial"),
                    ("promotional", "Promotional"),
                    ("paid", "Paid"),
                    ("goodwill", "Goodwill"),
                ],
                db_default="promotional",
                default="promotional",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="creditgrant",
            name="priority",
            field=models.PositiveSmallIntegerField(db_default=50, default=50),
        ),
        migrations.AddField(
            model_name="creditgrant",
            name="public_id",
            field=models.CharField(
                db_default=django.db.models.functions.text.Concat(
                    models.Value("credit_"),
                    models.Func(
                        django.db.models.functions.comparison.Cast(
                            django.contrib.postgres.functions.RandomUUID(),
                            models.TextField(),
                        ),
                        models.Value("-"),
                        models.Value(""),
                        function="REPLACE",
                        output_field=models.TextField(),
                    ),
                    output_field=models.TextField(),
                ),
                default=billing.funding_models.new_credit_id,
                max_length=40,
                unique=True,
            ),
        ),
        migrations.AddField(
            model_name="creditgrant",
            name="void_reason",
            field=models.CharField(blank=True, db_default="", max_length=200),
        ),
        migrations.AddField(
            model_name="creditgrant",
            name="voided_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="creditgrant",
            name="voided_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="creditgrant",
            name="written_off_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="creditgrant",
            name="written_off_nanos",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name="creditgrant",
            name="expires_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="creditgrant",
            index=models.Index(
                condition=models.Q(("written_off_at__isnull", True)),
                fields=["expires_at"],
                name="credit_grant_to_write_off",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditgrant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["trial", "promotional", "paid", "goodwill"])
                ),
                name="credit_grant_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditgrant",
            constraint=models.CheckConstraint(
                condition=models.Q(("priority__lte", 100)),
                name="credit_grant_priority_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditgrant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("expires_at__isnull", True),
                    ("expires_at__gt", models.F("effective_at")),
                    _connector="OR",
                ),
                name="credit_grant_expires_after_it_begins",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditgrant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("void_reason", ""), ("voided_at__isnull", True)),
                    models.Q(
                        ("voided_at__isnull", False),
                        models.Q(("void_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="credit_grant_voided_for_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditgrant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("written_off_at__isnull", True), ("written_off_nanos", 0)
                    ),
                    models.Q(
                        ("written_off_at__isnull", False),
                        (
                            "written_off_nanos",
                            django.db.models.expressions.CombinedExpression(
                                models.F("amount_nanos"),
                                "-",
                                models.F("consumed_nanos"),
                            ),
                        ),
                    ),
                    _connector="OR",
                ),
                name="credit_grant_written_off_whole",
            ),
        ),
    ]
