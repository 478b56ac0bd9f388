from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import billing.quota_models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0014_trial_credit_is_a_kind"),
        ("orgs", "0011_an_owner_stays"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="QuotaRequest",
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
                        default=billing.quota_models.new_request_id,
                        max_length=40,
                        unique=True,
                    ),
                ),
                ("requested_nanos", models.BigIntegerField()),
                ("requested_until", models.DateField(blank=True, null=True)),
                ("reason", models.TextField(max_length=2000)),
                ("limit_before_nanos", models.BigIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("approved", "Approved"),
                            ("partially_approved", "Partially approved"),
                            ("denied", "Denied"),
                            ("withdrawn", "Withdrawn"),
                            ("expired", "Expired"),
                        ],
                        default="pending",
                        max_length=20,
                    ),
                ),
                ("granted_nanos", models.BigIntegerField(blank=True, null=True)),
                ("granted_until", models.DateField(blank=True, null=True)),
                ("message", models.TextField(blank=True, max_length=2000)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name="TemporaryRaise",
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
                ("raised_nanos", models.BigIntegerField()),
                ("reverts_to_nanos", models.BigIntegerField()),
                ("ends_at", models.DateTimeField()),
                ("announced_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "ending",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("reverted", "Reverted"),
                            ("superseded", "Superseded"),
                        ],
                        max_length=12,
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="quotarequest",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="quotarequest",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="quota_requests",
                to="orgs.organization",
            ),
        ),
        migrations.AddField(
            model_name="quotarequest",
            name="requested_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="temporaryraise",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="temporary_raises",
                to="orgs.organization",
            ),
        ),
        migrations.AddField(
            model_name="temporaryraise",
            name="request",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="raised",
                to="billing.quotarequest",
            ),
        ),
        migrations.AddIndex(
            model_name="quotarequest",
            index=models.Index(
                condition=models.Q(("status", "pending")),
                fields=["created_at"],
                name="quota_request_queue",
            ),
        ),
        migrations.AddConstraint(
            model_name="quotarequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "pending")),
                fields=("organization",),
                name="quota_request_one_pending",
            ),
        ),
        migrations.AddConstraint(
            model_name="quotarequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        [
                            "pending",
                            "approved",
                            "partially_approved",
                            "denied",
                            "withdrawn",
                            "expired",
                        ],
                    )
                ),
                name="quota_request_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="quotarequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("requested_nanos__gt", 0)),
                name="quota_request_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="quotarequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at__isnull", True), ("status", "pending")),
                    models.Q(
                        models.Q(("status", "pending"), _negated=True),
                        ("decided_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="quota_request_decided_once_not_pending",
            ),
        ),
        migrations.AddConstraint(
            model_name="quotarequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("granted_nanos__gt", 0),
                        ("status__in", ("approved", "partially_approved")),
                    ),
                    models.Q(
                        models.Q(
                            ("status__in", ("approved", "partially_approved")),
                            _negated=True,
                        ),
                        ("granted_nanos__isnull", True),
                        ("granted_until__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="quota_request_granted_if_approved",
            ),
        ),
        migrations.AddIndex(
            model_name="temporaryraise",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", True)),
                fields=["ends_at"],
                name="temporary_raise_under_way",
            ),
        ),
        migrations.AddConstraint(
            model_name="temporaryraise",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("organization",),
                name="temporary_raise_one_under_way",
            ),
        ),
        migrations.AddConstraint(
            model_name="temporaryraise",
            constraint=models.CheckConstraint(
                condition=models.Q(("ending__in", ["", "reverted", "superseded"])),
                name="temporary_raise_ending_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="temporaryraise",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("ending", "")),
                    models.Q(
                        ("ended_at__isnull", False),
                        models.Q(("ending", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="temporary_raise_ends_somehow",
            ),
        ),
        migrations.AddConstraint(
            model_name="temporaryraise",
            constraint=models.CheckConstraint(
                condition=models.Q(("reverts_to_nanos__gte", 0)),
                name="temporary_raise_reverts",
            ),
        ),
    ]
