from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0006_gateway_settings"),
        ("keys", "0001_initial"),
        ("orgs", "0002_audit_append_only"),
    ]

    operations = [
        migrations.CreateModel(
            name="KeptAnswer",
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
                ("key_digest", models.CharField(max_length=64)),
                ("fingerprint", models.CharField(max_length=64)),
                ("event_id", models.UUIDField(unique=True)),
                ("gateway_id", models.UUIDField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("claimed", "Claimed"),
                            ("under_way", "Under way"),
                            ("kept", "Kept"),
                            ("lost", "Lost"),
                            ("too_long", "Too long"),
                        ],
                        default="claimed",
                        max_length=12,
                    ),
                ),
                ("status", models.PositiveSmallIntegerField(default=0)),
                ("ciphertext", models.BinaryField(default=bytes)),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "api_key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="keys.apikey",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="orgs.organization",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "api_key", "key_digest"),
                        name="kept_answer_once_per_idempotency_key",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                ["claimed", "under_way", "kept", "lost", "too_long"],
                            )
                        ),
                        name="kept_answer_state_known",
                    ),
                ],
            },
        ),
    ]
