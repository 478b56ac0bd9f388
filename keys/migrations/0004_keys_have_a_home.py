"""
Every key has a home: its organization, or none (0) if it is a person's own.

Foreign keys need a value to compare, and null compares with nothing. A row of an
organization that names a key repeats the home (`api_key_home`), which has to be its
own organization or none: it cannot name another organization's key. A personal key
may be named where its person is a member.
"""

from __future__ import annotations

from django.db import migrations

from orgs.tenant_references import key_reference

HOME = """
ALTER TABLE keys_apikey
    ADD COLUMN home_id bigint NOT NULL
        GENERATED ALWAYS AS (coalesce(organization_id, 0)) STORED,
    ADD CONSTRAINT keys_apikey_home_referred_to UNIQUE (id, home_id);

-- Whatever the statement says of the home, this is it.
CREATE FUNCTION fill_key_home() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    person bigint;
BEGIN
    SELECT home_id, user_id INTO NEW.api_key_home, person
        FROM keys_apikey WHERE id = NEW.api_key_id;
    IF NEW.api_key_home = 0 AND TG_ARGV[0] = 'member' AND NOT EXISTS (
        SELECT FROM orgs_membership
        WHERE organization_id = NEW.organization_id AND user_id = person
    ) THEN
        RAISE EXCEPTION 'key % is of nobody in organization %',
            NEW.api_key_id, NEW.organization_id
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NEW;
END
$$;
"""
WITHOUT_HOME = """
DROP FUNCTION fill_key_home();
ALTER TABLE keys_apikey DROP COLUMN home_id;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("keys", "0003_network_of_last_use"),
        ("orgs", "0016_links_of_their_organizations_events"),
    ]

    operations = [
        migrations.RunSQL(HOME, WITHOUT_HOME),
        key_reference("keys_keyblock", whose="member"),
        key_reference("keys_keyuse", whose="anybody"),
    ]
