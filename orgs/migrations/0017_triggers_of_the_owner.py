"""Triggers that guard look at all rows, whoever wrote the one that they guard.

The chain's tables are the trigger's alone: nobody else writes a link.
"""

from __future__ import annotations

from django.db import migrations

FORWARD = """
ALTER FUNCTION link_audit_events() SECURITY DEFINER SET search_path = public, pg_temp;
ALTER FUNCTION keep_an_owner() SECURITY DEFINER SET search_path = public, pg_temp;
REVOKE EXECUTE ON FUNCTION link_audit_event(orgs_auditevent) FROM PUBLIC;
"""
BACKWARD = """
GRANT EXECUTE ON FUNCTION link_audit_event(orgs_auditevent) TO PUBLIC;
ALTER FUNCTION keep_an_owner() SECURITY INVOKER RESET search_path;
ALTER FUNCTION link_audit_events() SECURITY INVOKER RESET search_path;
"""


class Migration(migrations.Migration):
    dependencies = [("orgs", "0016_links_of_their_organizations_events")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
