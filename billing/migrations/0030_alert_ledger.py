from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import billing.alert_models
from core.database_ids import id_by_database
from orgs.tenant_references import referable, tenant_reference

ROW = ["id", "organization_id"]


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0029_thresholds_by_percent_and_forecast"),
        ("orgs", "0019_optional_mails_on_credit_and_quota"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="alert",
            name="alert_once_per_limit_and_cycle",
        ),
        migrations.RemoveConstraint(
            model_name="alert",
            name="alert_kind_known",
        ),
        migrations.AddField(
            model_name="alert",
            name="acknowledged_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="alert",
            name="acknowledged_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="alert",
            name="changed_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="alert",
            name="forecast_nanos",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="alert",
            name="is_covered",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="alert",
            name="next_escalation_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="alert",
            name="public_id",
            field=models.CharField(
                db_default=id_by_database("event_"),
                default=billing.alert_models.new_event_id,
                max_length=40,
                unique=True,
            ),
        ),
        migrations.AddField(
            model_name="alert",
            name="raised_to_nanos",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="alert",
            name="reached_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="alert",
            name="subject_id",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="alert",
            name="subject_name",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=160
            ),
        ),
        migrations.AlterField(
            model_name="alert",
            name="kind",
            field=models.CharField(
                choices=[
                    ("soft_limit", "Soft limit reached"),
                    ("forecast_limit", "On course for a soft limit"),
                    ("hard_limit", "Hard limit reached"),
                    ("hard_limit_lifted", "Hard limit lifted"),
                    ("approved_limit_reached", "Approved limit reached"),
                    ("key_limit", "Limit of a key reached"),
                    ("member_limit", "Limit of a member reached"),
                ],
                max_length=24,
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("next_escalation_at__isnull", False)),
                fields=["next_escalation_at"],
                name="alert_by_next_escalation",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                fields=(
                    "organization",
                    "kind",
                    "cycle_start",
                    "limit_nanos",
                    "subject_id",
                ),
                name="alert_once_per_limit_and_cycle",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "soft_limit",
                            "forecast_limit",
                            "hard_limit",
                            "hard_limit_lifted",
                            "approved_limit_reached",
                            "key_limit",
                            "member_limit",
                        ],
                    )
                ),
                name="alert_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("acknowledged_by__isnull", True),
                    ("acknowledged_at__isnull", False),
                    _connector="OR",
                ),
                name="alert_acknowledged_at_some_time",
            ),
        ),
        migrations.CreateModel(
            name="AlertNotice",
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
                ("recipient", models.EmailField(max_length=254)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("recipient", "Further recipient"),
                            ("billing", "Billing address"),
                            ("concerned", "Whose key or limit it is"),
                            ("escalation", "Asked to take note"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "suppression",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("opted_out", "Does without such mails"),
                            ("covered", "Told in the mail of a higher threshold"),
                        ],
                        default="",
                        max_length=12,
                    ),
                ),
                ("created_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="AlertSettings",
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
                ("escalate_after_min", models.PositiveIntegerField(null=True)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name_plural": "alert settings",
            },
        ),
        migrations.AddField(
            model_name="alertnotice",
            name="alert",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="notices",
                to="billing.alert",
            ),
        ),
        migrations.AddField(
            model_name="alertnotice",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="orgs.organization",
            ),
        ),
        migrations.AddField(
            model_name="alertsettings",
            name="organization",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="alert_settings",
                to="orgs.organization",
            ),
        ),
        migrations.AddField(
            model_name="alertsettings",
            name="updated_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="alertnotice",
            constraint=models.UniqueConstraint(
                fields=("alert", "recipient", "role"),
                name="alert_notice_once_per_recipient",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertnotice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "role__in",
                        ["owner", "recipient", "billing", "concerned", "escalation"],
                    )
                ),
                name="alert_notice_role_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertnotice",
            constraint=models.CheckConstraint(
                condition=models.Q(("suppression__in", ["", "opted_out", "covered"])),
                name="alert_notice_suppression_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertsettings",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("escalate_after_min__gte", 5), ("escalate_after_min__lte", 10080)
                ),
                name="alert_escalation_within_a_week",
            ),
        ),
        referable("billing_alert", ROW),
        tenant_reference(
            "alert_notice_of_alert",
            "billing_alertnotice",
            ["alert_id", "organization_id"],
            to="billing_alert",
            to_columns=ROW,
        ),
    ]
