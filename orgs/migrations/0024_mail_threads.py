"""Let mails of one matter stand together in their recipient's mailbox."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orgs", "0023_opt_outs_of_any_kind")]

    operations = [
        migrations.AddField(
            model_name="outboxmail",
            name="thread",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=80
            ),
        ),
        migrations.AddIndex(
            model_name="outboxmail",
            index=models.Index(fields=["recipient", "thread"], name="mail_by_thread"),
        ),
    ]
