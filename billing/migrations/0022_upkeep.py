"""What the installation notes of itself: workers, periodic work, proofs."""

from __future__ import annotations

import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0021_credit_notices"),
    ]

    operations = [
        migrations.CreateModel(
            name="WorkerProcess",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, primary_key=True, serialize=False
                    ),
                ),
                ("host", models.CharField(max_length=120)),
                ("pid", models.PositiveIntegerField()),
                ("tasks", models.PositiveBigIntegerField(default=0)),
                ("started_at", models.DateTimeField()),
                ("beat_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "worker processes",
            },
        ),
        migrations.CreateModel(
            name="PeriodicWork",
            fields=[
                (
                    "task",
                    models.CharField(max_length=120, primary_key=True, serialize=False),
                ),
                ("succeeded_at", models.DateTimeField(null=True)),
                ("failed_at", models.DateTimeField(null=True)),
                ("error", models.CharField(blank=True, default="", max_length=120)),
                ("duration_ms", models.PositiveBigIntegerField()),
            ],
            options={
                "verbose_name_plural": "periodic work",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("succeeded_at__isnull", False),
                            ("failed_at__isnull", False),
                            _connector="OR",
                        ),
                        name="periodic_work_ended",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Verification",
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
                    "proof",
                    models.CharField(
                        choices=[("ledger", "The books"), ("audit", "The audit log")],
                        max_length=8,
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField()),
                ("checked", models.PositiveBigIntegerField()),
                ("wrong", models.PositiveBigIntegerField()),
                ("examples", models.JSONField(default=list)),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["proof", "-finished_at"], name="verification_newest"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("proof__in", ["ledger", "audit"])),
                        name="verification_proof_known",
                    )
                ],
            },
        ),
    ]
