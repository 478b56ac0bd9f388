"""An audit link and its event are of one organization."""

from __future__ import annotations

from django.db import migrations

from orgs.tenant_references import referable, tenant_reference


class Migration(migrations.Migration):
    dependencies = [("orgs", "0015_optional_mail_on_key_expiry")]

    operations = [
        referable("orgs_auditevent", ["id", "organization_id"]),
        tenant_reference(
            "audit_link_of_organization",
            "orgs_auditlink",
            ["event_id", "organization_id"],
            to="orgs_auditevent",
            to_columns=["id", "organization_id"],
        ),
    ]
