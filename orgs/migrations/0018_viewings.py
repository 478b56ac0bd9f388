"""Let operators see an organization's pages for a while, and note that they did."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import GreaterThanOrEqual

import orgs.viewing_models

ENDS = [
    ("", "Not over"),
    ("stopped", "Stopped"),
    ("time", "Its time was over"),
    ("logged_out", "Logged out"),
    ("replaced", "Another one began"),
    ("no_operator", "No operator any more"),
    ("deleted", "The organization was deleted"),
]
CONSTRAINTS = [
    models.UniqueConstraint(
        fields=["operator"],
        condition=Q(ended_at__isnull=True),
        name="viewing_one_at_a_time",
    ),
    models.CheckConstraint(condition=Q(ends_at__gt=F("began_at")), name="viewing_ends"),
    models.CheckConstraint(
        condition=Q(ended_by__in=[end for end, _ in ENDS]), name="viewing_end_known"
    ),
    models.CheckConstraint(
        condition=Q(ended_at__isnull=True, ended_by="")
        | (Q(ended_at__isnull=False) & ~Q(ended_by="")),
        name="viewing_ended_by_something",
    ),
    models.CheckConstraint(
        condition=GreaterThanOrEqual(Length("reason"), 10),
        name="viewing_with_a_reason",
    ),
]


def of(model: str) -> models.ForeignKey:  # type: ignore[type-arg]
    return models.ForeignKey(
        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=model
    )


class Migration(migrations.Migration):
    dependencies = [("orgs", "0017_triggers_of_the_owner")]

    operations = [
        migrations.CreateModel(
            name="Viewing",
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
                        default=orgs.viewing_models.new_viewing_id,
                        max_length=40,
                        unique=True,
                    ),
                ),
                ("reason", models.CharField(max_length=300)),
                ("began_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "ended_by",
                    models.CharField(
                        blank=True, choices=ENDS, default="", max_length=12
                    ),
                ),
                ("operator", of(settings.AUTH_USER_MODEL)),
                ("organization", of("orgs.organization")),
            ],
            options={"constraints": CONSTRAINTS},
        ),
    ]
