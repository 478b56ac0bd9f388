from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0023_reconciliations"),
        ("orgs", "0017_triggers_of_the_owner"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="price",
            name="price_once_per_tier_and_instant",
        ),
        migrations.RemoveConstraint(
            model_name="price",
            name="price_of_something",
        ),
        migrations.AddField(
            model_name="price",
            name="created_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="price",
            name="ends",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="price",
            name="organization",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="own_prices",
                to="orgs.organization",
            ),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.UniqueConstraint(
                fields=("organization", "model", "service_tier", "effective_from"),
                name="price_once_per_owner_and_instant",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("ends", False),
                        models.Q(
                            ("input_nanos__isnull", False),
                            ("character_nanos__isnull", False),
                            ("second_nanos__isnull", False),
                            _connector="OR",
                        ),
                    ),
                    models.Q(
                        ("ends", True),
                        ("input_nanos__isnull", True),
                        ("cached_input_nanos__isnull", True),
                        ("cache_write_nanos__isnull", True),
                        ("output_nanos__isnull", True),
                        ("long_input_nanos__isnull", True),
                        ("long_cached_input_nanos__isnull", True),
                        ("long_cache_write_nanos__isnull", True),
                        ("long_output_nanos__isnull", True),
                        ("audio_input_nanos__isnull", True),
                        ("cached_audio_input_nanos__isnull", True),
                        ("image_input_nanos__isnull", True),
                        ("cached_image_input_nanos__isnull", True),
                        ("audio_output_nanos__isnull", True),
                        ("image_output_nanos__isnull", True),
                        ("character_nanos__isnull", True),
                        ("second_nanos__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="price_of_something_or_ends",
                violation_error_message="A price has a rate for input, per token, character or second.",
            ),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("organization__isnull", True),
                    ("effective_from__gte", models.F("created_at")),
                    _connector="OR",
                ),
                name="own_price_not_of_the_past",
            ),
        ),
    ]
