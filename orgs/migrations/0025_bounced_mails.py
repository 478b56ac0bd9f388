"""Tell mails that a recipient's mail server does not take from those given up."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import Q

STATES = [
    ("queued", "Queued"),
    ("sent", "Sent"),
    ("failed", "Failed"),
    ("bounced", "Bounced"),
]


class Migration(migrations.Migration):
    dependencies = [("orgs", "0024_mail_threads")]

    operations = [
        migrations.RemoveConstraint(model_name="outboxmail", name="mail_status_known"),
        migrations.AlterField(
            model_name="outboxmail",
            name="status",
            field=models.CharField(choices=STATES, default="queued", max_length=8),
        ),
        migrations.AddConstraint(
            model_name="outboxmail",
            constraint=models.CheckConstraint(
                condition=Q(status__in=[state for state, _ in STATES]),
                name="mail_status_known",
            ),
        ),
        migrations.AddIndex(
            model_name="outboxmail",
            index=models.Index(
                condition=Q(status="bounced"),
                fields=["organization", "recipient"],
                name="mail_bounced",
            ),
        ),
    ]
