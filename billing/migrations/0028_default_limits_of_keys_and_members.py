from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0027_payment_by_card"),
    ]

    operations = [
        migrations.AddField(
            model_name="spendlimits",
            name="key_default_nanos",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="spendlimits",
            name="member_default_nanos",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name="spendlimits",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("key_default_nanos__isnull", True),
                    ("key_default_nanos__gte", 0),
                    _connector="OR",
                ),
                name="key_default_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="spendlimits",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("member_default_nanos__isnull", True),
                    ("member_default_nanos__gte", 0),
                    _connector="OR",
                ),
                name="member_default_not_negative",
            ),
        ),
    ]
