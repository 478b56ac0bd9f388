from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

TRIGGER = """
CREATE TRIGGER tell_gateways AFTER INSERT OR DELETE OR UPDATE
ON billing_gatewaysettings FOR EACH STATEMENT EXECUTE FUNCTION notify_gateways();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0005_rate_limits"),
        ("orgs", "0002_audit_append_only"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="GatewaySettings",
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
                ("clamps_output", models.BooleanField(default=False)),
                ("caches_answers", models.BooleanField(default=False)),
                ("cache_s", models.PositiveIntegerField(default=3600)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="gateway_settings",
                        to="orgs.organization",
                    ),
                ),
                (
                    "updated_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "gateway settings",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("cache_s__gte", 60), ("cache_s__lte", 86400)
                        ),
                        name="gateway_settings_cache_within_a_day",
                    )
                ],
            },
        ),
        migrations.RunSQL(
            TRIGGER, "DROP TRIGGER tell_gateways ON billing_gatewaysettings;"
        ),
    ]
