"""Endpoints of webhooks, what is sent to them, and what came of it."""

from __future__ import annotations

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import keys.webhook_models
from orgs.tenant_references import referable, tenant_reference

ROW = ["id", "organization_id"]


class Migration(migrations.Migration):
    dependencies = [
        ("keys", "0005_provider_admin_keys"),
        ("orgs", "0020_organization_time_zone"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="WebhookDelivery",
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
                        default=keys.webhook_models.new_delivery_id,
                        max_length=40,
                        unique=True,
                    ),
                ),
                ("event_id", models.CharField(max_length=60)),
                ("kind", models.CharField(max_length=60)),
                ("body", models.TextField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waits"),
                            ("delivered", "Delivered"),
                            ("given_up", "Given up"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
                ("delivered_at", models.DateTimeField(null=True)),
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
                "verbose_name_plural": "webhook deliveries",
            },
        ),
        migrations.CreateModel(
            name="WebhookAttempt",
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
                ("at", models.DateTimeField()),
                ("status_code", models.PositiveSmallIntegerField(null=True)),
                ("duration_ms", models.PositiveIntegerField()),
                ("error", models.CharField(blank=True, max_length=200)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="orgs.organization",
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="log",
                        to="keys.webhookdelivery",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="WebhookEndpoint",
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
                        default=keys.webhook_models.new_webhook_id,
                        max_length=40,
                        unique=True,
                    ),
                ),
                ("row_uuid", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("url", models.CharField(max_length=500)),
                ("ciphertext", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("failing_since", models.DateTimeField(null=True)),
                ("disabled_at", models.DateTimeField(null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="webhooks",
                        to="orgs.organization",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="webhookdelivery",
            name="endpoint",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="keys.webhookendpoint",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("status", "waiting")),
                fields=["next_attempt_at"],
                name="webhook_waiting_by_time",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["created_at"], name="webhook_delivery_by_age"),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.UniqueConstraint(
                fields=("endpoint", "event_id"), name="webhook_event_once_per_endpoint"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["waiting", "delivered", "given_up"])
                ),
                name="webhook_delivery_status_known",
            ),
        ),
        referable("keys_webhookendpoint", ROW),
        tenant_reference(
            "webhook_delivery_of_endpoint",
            "keys_webhookdelivery",
            ["endpoint_id", "organization_id"],
            to="keys_webhookendpoint",
            to_columns=ROW,
        ),
        referable("keys_webhookdelivery", ROW),
        tenant_reference(
            "webhook_attempt_of_delivery",
            "keys_webhookattempt",
            ["delivery_id", "organization_id"],
            to="keys_webhookdelivery",
            to_columns=ROW,
        ),
    ]
