"""Let kinds of optional mail come and go without a change of the table of before."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orgs", "0022_choices_of_those_who_refused")]

    operations = [
        migrations.RemoveConstraint(model_name="mailoptout", name="opt_out_kind_known"),
        migrations.AlterField(
            model_name="mailoptout",
            name="kind",
            field=models.CharField(max_length=40),
        ),
    ]
