"""The database itself keeps an owner in every organization that is not deleted.

Checked at commit, after waiting for other changes of the organization's members: of
two owners who demote each other at once, the second to commit is refused.
"""

from __future__ import annotations

from django.db import migrations

FORWARD = """
CREATE FUNCTION keep_an_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM orgs_organization
        WHERE id = OLD.organization_id AND deleted_at IS NULL
        FOR NO KEY UPDATE;
    IF FOUND AND NOT EXISTS (
        SELECT FROM orgs_membership
        WHERE organization_id = OLD.organization_id AND role = 'owner'
    ) THEN
        RAISE EXCEPTION 'organization % needs an owner', OLD.organization_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER an_owner_leaves
    AFTER DELETE ON orgs_membership DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.role = 'owner') EXECUTE FUNCTION keep_an_owner();
CREATE CONSTRAINT TRIGGER an_owner_changes
    AFTER UPDATE ON orgs_membership DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (
        OLD.role = 'owner'
        AND (NEW.role <> 'owner' OR NEW.organization_id <> OLD.organization_id)
    )
    EXECUTE FUNCTION keep_an_owner();
"""
BACKWARD = """
DROP TRIGGER an_owner_leaves ON orgs_membership;
DROP TRIGGER an_owner_changes ON orgs_membership;
DROP FUNCTION keep_an_owner();
"""


class Migration(migrations.Migration):
    dependencies = [("orgs", "0010_invitation_mails_counted")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
