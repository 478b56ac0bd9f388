"""The ledger: accounts, transactions, entries, and how far usage is posted."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import billing.ledger_models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0015_quota_requests"),
        ("orgs", "0011_an_owner_stays"),
    ]

    operations = [
        migrations.CreateModel(
            name="LedgerAccount",
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("usage", "Usage"),
                            ("credit_liability", "Credit left"),
                            ("credit_given", "Credit given"),
                            ("breakage", "Expired credit"),
                            ("unbilled", "Not invoiced yet"),
                            ("receivable", "Invoiced, not paid"),
                            ("payments", "Payments"),
                            ("adjustments", "Adjustments"),
                            ("tax", "Tax"),
                            ("simulated_usage", "Simulated usage"),
                            ("simulated", "Simulated, never owed"),
                        ],
                        max_length=20,
                    ),
                ),
                ("balance_nanos", models.BigIntegerField(default=0)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger_accounts",
                        to="orgs.organization",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LedgerTransaction",
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
                        default=billing.ledger_models.new_transaction_id,
                        max_length=40,
                        unique=True,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("usage", "Usage"),
                            ("simulated_usage", "Simulated usage"),
                            ("early_credit", "Credit that paid earlier usage"),
                            ("credit_granted", "Credit granted"),
                            ("credit_voided", "Credit voided"),
                            ("credit_expired", "Credit expired"),
                            ("invoice", "Invoice"),
                            ("credit_note", "Credit note"),
                            ("payment", "Payment"),
                            ("adjustment", "Adjustment"),
                            ("reversal", "Reversal"),
                        ],
                        max_length=20,
                    ),
                ),
                ("source", models.CharField(max_length=120, unique=True)),
                ("cycle_start", models.DateField(null=True)),
                ("amount_nanos", models.BigIntegerField()),
                ("occurred_at", models.DateTimeField()),
                ("posted_at", models.DateTimeField()),
                ("memo", models.CharField(blank=True, max_length=200)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger_transactions",
                        to="orgs.organization",
                    ),
                ),
                (
                    "reverses",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="reversed_by",
                        to="billing.ledgertransaction",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LedgerEntry",
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
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="billing.ledgeraccount",
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
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="billing.ledgertransaction",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "ledger entries",
            },
        ),
        migrations.CreateModel(
            name="PostingWatermark",
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
                ("sequence", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="posting_watermark_single"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="ledgeraccount",
            constraint=models.UniqueConstraint(
                fields=("organization", "kind"), name="ledger_account_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgeraccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "usage",
                            "credit_liability",
                            "credit_given",
                            "breakage",
                            "unbilled",
                            "receivable",
                            "payments",
                            "adjustments",
                            "tax",
                            "simulated_usage",
                            "simulated",
                        ],
                    )
                ),
                name="ledger_account_kind_known",
            ),
        ),
        migrations.AddIndex(
            model_name="ledgertransaction",
            index=models.Index(
                fields=["organization", "-posted_at"], name="ledger_by_organization"
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgertransaction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "usage",
                            "simulated_usage",
                            "early_credit",
                            "credit_granted",
                            "credit_voided",
                            "credit_expired",
                            "invoice",
                            "credit_note",
                            "payment",
                            "adjustment",
                            "reversal",
                        ],
                    )
                ),
                name="ledger_transaction_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgertransaction",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_nanos__gt", 0)),
                name="ledger_transaction_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgertransaction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "reversal"), ("reverses__isnull", False)),
                    models.Q(
                        models.Q(("kind", "reversal"), _negated=True),
                        ("reverses__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="ledger_reversal_names_transaction",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.UniqueConstraint(
                fields=("transaction", "account"), name="ledger_entry_once_per_account"
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_nanos", 0), _negated=True),
                name="ledger_entry_not_zero",
            ),
        ),
    ]
