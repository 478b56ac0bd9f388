"""
Every audit event becomes a link of its organization's chain when it commits.

A link holds its place (1, 2, 3, …), the hash of the one before, and a hash over both and
the event, in the form of `orgs.audit_chain`. The chain's end is kept apart, in
`orgs_auditchain`.

The trigger is deferred: it runs at the commit, when the transaction has all the locks
it needs, and takes the ends of its chains one after the other, in order of the
organization, the installation's first. So a chain's lock is always the last that is
taken, for moments, and no order of other locks can close a circle with it. Who waits
longer than ten seconds fails, and with it the change.
"""

from __future__ import annotations

from django.db import migrations

FORWARD = """
CREATE FUNCTION audit_part(part text) RETURNS text LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog AS $$
    SELECT CASE WHEN part IS NULL THEN '-'
        ELSE octet_length(convert_to(part, 'UTF8')) || ':' || part END
$$;

CREATE FUNCTION audit_link_hash(
    place bigint, previous text, event orgs_auditevent
) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(
        audit_part(place::text)
        || audit_part(previous)
        || audit_part(event.organization_id::text)
        || audit_part(event.id::text)
        || audit_part(event.event_uuid::text)
        || audit_part(
            to_char(event.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'))
        || audit_part(event.actor_id::text)
        || audit_part(event.action)
        || audit_part(event.target)
        || audit_part(event.details::text)
        || audit_part(event.door)
        || audit_part(host(event.address))
        || audit_part(event.user_agent),
        'UTF8')), 'hex')
$$;

CREATE FUNCTION link_audit_event(event orgs_auditevent) RETURNS void
    LANGUAGE plpgsql SET lock_timeout = '10s' AS $$
DECLARE
    chain orgs_auditchain;
    made text;
BEGIN
    INSERT INTO orgs_auditchain (organization_id, sequence, hash)
        VALUES (event.organization_id, 0, '')
        ON CONFLICT (organization_id) DO NOTHING;
    SELECT * INTO STRICT chain FROM orgs_auditchain
        WHERE organization_id = event.organization_id
        OR (organization_id IS NULL AND event.organization_id IS NULL)
        FOR UPDATE;
    made := audit_link_hash(chain.sequence + 1, chain.hash, event);
    INSERT INTO orgs_auditlink (event_id, organization_id, sequence, previous_hash, hash)
        VALUES (event.id, event.organization_id, chain.sequence + 1, chain.hash, made);
    UPDATE orgs_auditchain SET sequence = chain.sequence + 1, hash = made
        WHERE id = chain.id;
END
$$;

-- Called for a transaction's first event, it links all of them.
CREATE FUNCTION link_audit_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    event orgs_auditevent;
BEGIN
    IF EXISTS (SELECT FROM orgs_auditlink WHERE event_id = NEW.id) THEN
        RETURN NULL;
    END IF;
    FOR event IN
        SELECT * FROM orgs_auditevent AS waiting WHERE id >= NEW.id
        AND NOT EXISTS (SELECT FROM orgs_auditlink WHERE event_id = waiting.id)
        ORDER BY organization_id NULLS FIRST, id
    LOOP
        PERFORM link_audit_event(event);
    END LOOP;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER audit_link AFTER INSERT ON orgs_auditevent
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION link_audit_events();
CREATE TRIGGER audit_link_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON orgs_auditlink
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_anchor_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON orgs_auditanchor
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_chain_stays
    BEFORE DELETE OR TRUNCATE ON orgs_auditchain
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
BACKWARD = """
DROP TRIGGER audit_chain_stays ON orgs_auditchain;
DROP TRIGGER audit_anchor_append_only ON orgs_auditanchor;
DROP TRIGGER audit_link_append_only ON orgs_auditlink;
DROP TRIGGER audit_link ON orgs_auditevent;
DROP FUNCTION link_audit_events();
DROP FUNCTION link_audit_event(orgs_auditevent);
DROP FUNCTION audit_link_hash(bigint, text, orgs_auditevent);
DROP FUNCTION audit_part(text);
"""


class Migration(migrations.Migration):
    dependencies = [("orgs", "0003_audit_chain")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
