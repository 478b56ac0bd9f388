from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from orgs.tenant_references import referable, tenant_reference

ROW = ["id", "organization_id"]


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0020_references_within_an_organization"),
        ("orgs", "0015_optional_mail_on_key_expiry"),
    ]

    operations = [
        migrations.CreateModel(
            name="CreditNotice",
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
                    "stage",
                    models.CharField(
                        choices=[
                            ("days_14", "Expires in 14 days"),
                            ("days_3", "Expires in 3 days"),
                            ("days_0", "Expired"),
                            ("low", "A fifth is left"),
                        ],
                        max_length=8,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "grant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to="billing.creditgrant",
                    ),
                ),
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
                        fields=("grant", "stage"), name="credit_notice_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("stage__in", ["days_14", "days_3", "days_0", "low"])
                        ),
                        name="credit_notice_stage_known",
                    ),
                ],
            },
        ),
        referable("billing_creditgrant", ROW),
        tenant_reference(
            "credit_notice_of_grant",
            "billing_creditnotice",
            ["grant_id", "organization_id"],
            to="billing_creditgrant",
            to_columns=ROW,
        ),
    ]
