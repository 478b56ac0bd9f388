"""Comparisons of the books with what a provider says that it billed."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import billing.reconciliation_models
from orgs.tenant_references import referable, tenant_reference

ROW = ["id", "organization_id"]


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0022_upkeep"),
        ("orgs", "0017_triggers_of_the_owner"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Reconciliation",
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
                (
                    "public_id",
                    models.CharField(
                        default=billing.reconciliation_models.new_reconciliation_id,
                        max_length=40,
                        unique=True,
                    ),
                ),
                ("first_day", models.DateField()),
                ("last_day", models.DateField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("succeeded", "Compared"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("requested_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("error", models.CharField(blank=True, default="", max_length=300)),
                ("base_url", models.URLField(blank=True, default="", max_length=300)),
                ("project_id", models.CharField(blank=True, default="", max_length=80)),
                ("tolerance_nanos", models.BigIntegerField(default=0)),
                (
                    "tolerance_percent",
                    models.DecimalField(decimal_places=3, default=0, max_digits=6),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="orgs.organization",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ReconciliationRow",
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
                ("day", models.DateField()),
                ("model", models.CharField(max_length=200)),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("matched", "Matched"),
                            ("ours_only", "Ours only"),
                            ("theirs_only", "Theirs only"),
                            ("differs", "Differs"),
                        ],
                        max_length=12,
                    ),
                ),
                ("ours_nanos", models.BigIntegerField(null=True)),
                ("theirs_nanos", models.BigIntegerField(null=True)),
                ("ours_requests", models.BigIntegerField(default=0)),
                ("ours_estimated", models.BigIntegerField(default=0)),
                ("theirs_requests", models.BigIntegerField(null=True)),
                ("ours_tokens", models.BigIntegerField(default=0)),
                ("theirs_tokens", models.BigIntegerField(null=True)),
                ("is_provisional", models.BooleanField()),
                ("line_items", models.JSONField(default=list)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="orgs.organization",
                    ),
                ),
                (
                    "reconciliation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="billing.reconciliation",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="reconciliation",
            index=models.Index(
                fields=["organization", "-finished_at"], name="reconciliation_newest"
            ),
        ),
        migrations.AddConstraint(
            model_name="reconciliation",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["waiting", "succeeded", "failed"])),
                name="reconciliation_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="reconciliation",
            constraint=models.CheckConstraint(
                condition=models.Q(("first_day__lte", models.F("last_day"))),
                name="reconciliation_days_in_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="reconciliation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at__isnull", True), ("status", "waiting")),
                    models.Q(
                        models.Q(("status", "waiting"), _negated=True),
                        ("finished_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="reconciliation_ended_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="reconciliation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "waiting")),
                fields=("organization",),
                name="reconciliation_one_waits",
            ),
        ),
        migrations.AddConstraint(
            model_name="reconciliationrow",
            constraint=models.UniqueConstraint(
                fields=("reconciliation", "day", "model"),
                name="reconciliation_row_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="reconciliationrow",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("verdict__in", ["matched", "ours_only", "theirs_only", "differs"])
                ),
                name="reconciliation_verdict_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="reconciliationrow",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("theirs_nanos__isnull", True), ("verdict", "ours_only")),
                    models.Q(("ours_nanos__isnull", True), ("verdict", "theirs_only")),
                    models.Q(
                        ("ours_nanos__isnull", False),
                        ("theirs_nanos__isnull", False),
                        ("verdict__in", ["matched", "differs"]),
                    ),
                    _connector="OR",
                ),
                name="reconciliation_row_has_its_sides",
            ),
        ),
        referable("billing_reconciliation", ROW),
        tenant_reference(
            "reconciliation_row_of_run",
            "billing_reconciliationrow",
            ["reconciliation_id", "organization_id"],
            to="billing_reconciliation",
            to_columns=ROW,
        ),
    ]
