"""A line of a credit note may name the line of the invoice that it takes back."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from orgs.tenant_references import referable, tenant_reference

ROW = ["id", "organization_id"]


class Migration(migrations.Migration):
    dependencies = [("billing", "0025_prices_never_change")]

    operations = [
        migrations.AddField(
            model_name="invoiceline",
            name="takes_back",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="taken_back_by",
                to="billing.invoiceline",
            ),
        ),
        referable("billing_invoiceline", ROW),
        tenant_reference(
            "credit_line_of_line",
            "billing_invoiceline",
            ["takes_back_id", "organization_id"],
            to="billing_invoiceline",
            to_columns=ROW,
        ),
    ]
