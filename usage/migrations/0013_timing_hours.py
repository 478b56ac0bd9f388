"""Keep how long requests took by the hour, apart from what they used.

In a table of its own with a place of its own in the booking order: a worker of the
release before adds to the sums without knowing of it, and it catches up afterwards.
"""

from __future__ import annotations

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

DIMENSIONS = [
    "organization",
    "hour",
    "cycle_start",
    "api_key",
    "user",
    "model",
    "endpoint",
    "simulated",
]
ENDPOINTS = [
    ("chat.completions", "Chat completions"),
    ("responses", "Responses"),
    ("completions", "Completions"),
    ("embeddings", "Embeddings"),
    ("moderations", "Moderations"),
    ("images.generations", "Image generation"),
    ("images.edits", "Image edits"),
    ("audio.speech", "Speech"),
    ("audio.transcriptions", "Transcription"),
    ("audio.translations", "Translation"),
]


def reference(to: str, *, null: bool) -> models.ForeignKey:  # type: ignore[type-arg]
    return models.ForeignKey(
        to,
        null=null,
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+",
    )


def counts() -> django.contrib.postgres.fields.ArrayField:  # type: ignore[type-arg]
    return django.contrib.postgres.fields.ArrayField(models.IntegerField())


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0012_refused_requests"),
        ("keys", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="TimingHour",
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
                ("organization", reference("orgs.organization", null=False)),
                ("api_key", reference("keys.apikey", null=True)),
                ("user", reference(settings.AUTH_USER_MODEL, null=True)),
                ("endpoint", models.CharField(choices=ENDPOINTS, max_length=24)),
                ("model", models.CharField(max_length=120)),
                ("simulated", models.BooleanField()),
                ("hour", models.DateTimeField()),
                ("cycle_start", models.DateField()),
                ("latency_counts", counts()),
                ("first_token_counts", counts()),
                ("generated_tokens", models.BigIntegerField()),
                ("generation_ms", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=DIMENSIONS,
                        name="timing_hour_once_per_dimension",
                        nulls_distinct=False,
                    )
                ]
            },
        ),
        migrations.AddField(
            model_name="rollupwatermark",
            name="timed_sequence",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
