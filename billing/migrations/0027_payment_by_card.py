"""Cards at a payment provider, the charges of invoices, and what is told of them."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from orgs.tenant_references import tenant_reference


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0026_credit_notes_of_lines"),
        ("orgs", "0018_viewings"),
    ]

    operations = [
        migrations.CreateModel(
            name="InvoiceCharge",
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
                ("charge_id", models.CharField(blank=True, max_length=120)),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("under_way", "Under way"),
                            ("settled", "Settled"),
                            ("given_up", "Given up"),
                        ],
                        default="waiting",
                        max_length=12,
                    ),
                ),
                ("times_declined", models.PositiveSmallIntegerField(default=0)),
                ("times_unanswered", models.PositiveSmallIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField()),
                (
                    "invoice",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="charge",
                        to="billing.invoice",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="orgs.organization",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("stage__in", ["waiting", "under_way"])),
                        fields=["next_attempt_at"],
                        name="invoice_charge_due",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("charge_id", ""), _negated=True),
                        fields=("charge_id",),
                        name="invoice_charge_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "stage__in",
                                ["waiting", "under_way", "settled", "given_up"],
                            )
                        ),
                        name="invoice_charge_stage_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PaymentAccount",
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
                ("customer_id", models.CharField(max_length=120, unique=True)),
                ("method_id", models.CharField(blank=True, max_length=120)),
                ("brand", models.CharField(blank=True, max_length=40)),
                ("last_four", models.CharField(blank=True, max_length=4)),
                ("expires_month", models.PositiveSmallIntegerField(null=True)),
                ("expires_year", models.PositiveSmallIntegerField(null=True)),
                ("card_as_of", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payment_account",
                        to="orgs.organization",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("expires_year__isnull", True),
                                ("last_four", ""),
                                ("method_id", ""),
                            ),
                            models.Q(
                                models.Q(("method_id", ""), _negated=True),
                                ("expires_year__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="payment_account_card_whole",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PaymentEvent",
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
                ("event_id", models.CharField(max_length=120, unique=True)),
                ("name", models.CharField(max_length=80)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("done", "Done"),
                            ("ignored", "Ignored"),
                            ("noted", "Noted for the operator"),
                        ],
                        max_length=8,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=300)),
                ("received_at", models.DateTimeField()),
                (
                    "organization",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="orgs.organization",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("outcome__in", ["done", "ignored", "noted"])
                        ),
                        name="payment_event_outcome_known",
                    )
                ],
            },
        ),
        tenant_reference(
            "invoice_charge_of_invoice",
            "billing_invoicecharge",
            ["invoice_id", "organization_id"],
            to="billing_invoice",
            to_columns=["id", "organization_id"],
        ),
    ]
