"""Billing cycles, invoices with their lines, payments, and the series of numbers."""

from __future__ import annotations

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

import billing.invoice_models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0017_ledger_in_balance"),
        ("orgs", "0015_optional_mail_on_key_expiry"),
    ]

    operations = [
        migrations.CreateModel(
            name="Invoice",
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
                        default=billing.invoice_models.new_invoice_id,
                        max_length=40,
                        unique=True,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("invoice", "Invoice"),
                            ("credit_note", "Credit note"),
                        ],
                        max_length=12,
                    ),
                ),
                ("position", models.BigIntegerField()),
                ("number", models.CharField(max_length=40, unique=True)),
                ("cycle_start", models.DateField()),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("issued_at", models.DateTimeField()),
                ("due_on", models.DateField()),
                ("seller_name", models.CharField(max_length=200)),
                ("seller_address", models.TextField(blank=True)),
                ("seller_tax_id", models.CharField(blank=True, max_length=40)),
                ("buyer_name", models.CharField(max_length=200)),
                ("buyer_address", models.TextField(blank=True)),
                ("buyer_tax_id", models.CharField(blank=True, max_length=40)),
                ("buyer_reference", models.CharField(blank=True, max_length=120)),
                ("after_sequence", models.BigIntegerField(default=0)),
                ("up_to_sequence", models.BigIntegerField(default=0)),
                ("line_count", models.PositiveIntegerField()),
                ("net_nanos", models.BigIntegerField()),
                ("tax_percent", models.DecimalField(decimal_places=3, max_digits=6)),
                ("tax_nanos", models.BigIntegerField()),
                ("total_nanos", models.BigIntegerField()),
                ("carried_nanos", models.BigIntegerField(default=0)),
                (
                    "credits",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="credit_notes",
                        to="billing.invoice",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invoices",
                        to="orgs.organization",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="InvoiceLine",
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
                ("position", models.PositiveIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("usage", "Usage"),
                            ("estimated", "Estimated"),
                            ("correction", "Correction"),
                            ("other", "Other"),
                            ("credit", "Credit"),
                            ("adjustment", "Adjustment"),
                            ("carried", "Carried from before"),
                            ("carried_on", "Carried on"),
                            ("tax", "Tax"),
                        ],
                        max_length=12,
                    ),
                ),
                ("description", models.CharField(max_length=300)),
                ("cycle_start", models.DateField(null=True)),
                ("model", models.CharField(blank=True, max_length=120)),
                ("quantity", models.BigIntegerField(null=True)),
                ("unit_nanos", models.BigIntegerField(null=True)),
                ("exact_nanos", models.BigIntegerField()),
                ("amount_nanos", models.BigIntegerField()),
                (
                    "invoice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
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
                (
                    "transaction",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="billed_by",
                        to="billing.ledgertransaction",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="InvoicePayment",
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
                ("amount_nanos", models.BigIntegerField()),
                ("paid_on", models.DateField()),
                ("reference", models.CharField(blank=True, max_length=120)),
                ("recorded_at", models.DateTimeField()),
                (
                    "invoice",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payment",
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
        ),
        migrations.CreateModel(
            name="NumberSeries",
            fields=[
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("invoice", "Invoice"),
                            ("credit_note", "Credit note"),
                        ],
                        max_length=12,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("last_number", models.BigIntegerField(default=0)),
            ],
            options={
                "verbose_name_plural": "number series",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["invoice", "credit_note"])),
                        name="number_series_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BillingCycle",
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
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("closing", "Closing"),
                            ("closed", "Closed"),
                        ],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("closed_at", models.DateTimeField(null=True)),
                ("closed_sequence", models.BigIntegerField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="billing_cycles",
                        to="orgs.organization",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "cycle_start"),
                        name="billing_cycle_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["open", "closing", "closed"])
                        ),
                        name="billing_cycle_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("closed_at__isnull", False),
                                ("closed_sequence__isnull", False),
                                ("state", "closed"),
                            ),
                            models.Q(
                                models.Q(("state", "closed"), _negated=True),
                                ("closed_at__isnull", True),
                                ("closed_sequence__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="billing_cycle_closed_at",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.UniqueConstraint(
                fields=("kind", "position"), name="invoice_position_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "invoice")),
                fields=("organization", "cycle_start"),
                name="invoice_once_per_cycle",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["invoice", "credit_note"])),
                name="invoice_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "total_nanos",
                        django.db.models.expressions.CombinedExpression(
                            models.F("net_nanos"), "+", models.F("tax_nanos")
                        ),
                    ),
                    ("net_nanos__gte", 0),
                    ("tax_nanos__gte", 0),
                ),
                name="invoice_total_is_net_and_tax",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("credits__isnull", True), ("kind", "invoice")),
                    models.Q(("credits__isnull", False), ("kind", "credit_note")),
                    _connector="OR",
                ),
                name="invoice_credit_note_names_invoice",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoiceline",
            constraint=models.UniqueConstraint(
                fields=("invoice", "position"), name="invoice_line_position_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="invoiceline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "usage",
                            "estimated",
                            "correction",
                            "other",
                            "credit",
                            "adjustment",
                            "carried",
                            "carried_on",
                            "tax",
                        ],
                    )
                ),
                name="invoice_line_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoicepayment",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_nanos__gt", 0)),
                name="invoice_payment_positive",
            ),
        ),
    ]
