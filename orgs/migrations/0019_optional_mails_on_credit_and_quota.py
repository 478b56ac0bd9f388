"""Let people do without mails about credit, and about quota requests of others."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import Q

KINDS = [
    ("soft_limit", "Soft limits reached"),
    ("key_expiry", "API keys about to expire"),
    ("credit_notice", "Credit that expires or is nearly used"),
    ("quota_request", "Quota requests of other owners"),
]


class Migration(migrations.Migration):
    dependencies = [("orgs", "0018_viewings")]

    operations = [
        migrations.RemoveConstraint(model_name="mailoptout", name="opt_out_kind_known"),
        migrations.AlterField(
            model_name="mailoptout",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=40),
        ),
        migrations.AddConstraint(
            model_name="mailoptout",
            constraint=models.CheckConstraint(
                condition=Q(kind__in=[kind for kind, _ in KINDS]),
                name="opt_out_kind_known",
            ),
        ),
    ]
