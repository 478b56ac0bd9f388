"""Audit events from before the chain become its first links, in their order."""

from __future__ import annotations

from django.db import migrations

FORWARD = """
DO $$
DECLARE
    event orgs_auditevent;
BEGIN
    -- A release that still runs waits with its events, so that none falls in between.
    LOCK TABLE orgs_auditevent IN SHARE ROW EXCLUSIVE MODE;
    FOR event IN
        SELECT * FROM orgs_auditevent AS earlier
        WHERE NOT EXISTS (SELECT FROM orgs_auditlink WHERE event_id = earlier.id)
        ORDER BY organization_id NULLS FIRST, id
    LOOP
        PERFORM link_audit_event(event);
    END LOOP;
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("orgs", "0004_audit_links")]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
