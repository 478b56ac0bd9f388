"""Tell the gateways when something changes that they keep in memory.

A notification leaves at commit. Only columns that matter are watched, so that
ordinary work (a login, a charge) does not empty the caches.
"""

from __future__ import annotations

from django.db import migrations

WATCHED = {
    "orgs_user": ["is_active", "default_organization_id"],
    "orgs_organization": ["environment", "suspended_at", "sibling_id"],
    "orgs_membership": [],
    "keys_apikey": [],
    "keys_providerkey": [],
    "billing_price": [],
}

FUNCTION = """
CREATE FUNCTION notify_gateways() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('tokenhouse_gateways', TG_TABLE_NAME);
    RETURN NULL;
END
$$;
"""


def triggers() -> str:
    statements = [FUNCTION]
    for table, columns in WATCHED.items():
        update = f"UPDATE OF {', '.join(columns)}" if columns else "UPDATE"
        statements.append(
            f"CREATE TRIGGER tell_gateways AFTER INSERT OR DELETE OR {update} "
            f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION notify_gateways();"
        )
    return "\n".join(statements)


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0001_initial"),
        ("keys", "0001_initial"),
        ("orgs", "0002_audit_append_only"),
    ]

    operations = [
        migrations.RunSQL(triggers(), "DROP FUNCTION notify_gateways() CASCADE;")
    ]
