from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import billing.models

TRIGGER = """
CREATE TRIGGER tell_gateways AFTER INSERT OR DELETE OR UPDATE
ON billing_ratelimit FOR EACH STATEMENT EXECUTE FUNCTION notify_gateways();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_limit_refusals"),
        ("keys", "0001_initial"),
        ("orgs", "0002_audit_append_only"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RateLimit",
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
                        default=billing.models.new_rate_limit_id,
                        max_length=40,
                        unique=True,
                    ),
                ),
                ("model", models.CharField(blank=True, max_length=120)),
                ("requests_per_minute", models.BigIntegerField(blank=True, null=True)),
                ("tokens_per_minute", models.BigIntegerField(blank=True, null=True)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "api_key",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="keys.apikey",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rate_limits",
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "api_key", "model"),
                        name="rate_limit_once_per_key_and_model",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("requests_per_minute__isnull", False),
                            ("tokens_per_minute__isnull", False),
                            _connector="OR",
                        ),
                        name="rate_limit_limits_something",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("requests_per_minute__isnull", True),
                            models.Q(
                                ("requests_per_minute__gt", 0),
                                ("requests_per_minute__lte", 1000000),
                            ),
                            _connector="OR",
                        ),
                        name="rate_limit_requests_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("tokens_per_minute__isnull", True),
                            models.Q(
                                ("tokens_per_minute__gt", 0),
                                ("tokens_per_minute__lte", 1000000000),
                            ),
                            _connector="OR",
                        ),
                        name="rate_limit_tokens_in_range",
                    ),
                ],
            },
        ),
        migrations.RunSQL(TRIGGER, "DROP TRIGGER tell_gateways ON billing_ratelimit;"),
    ]
