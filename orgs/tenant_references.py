"""
Foreign keys that carry the organization, for migrations.

A row of one organization then cannot refer to a row of another, whoever writes it and
by whatever statement. Django's own foreign key names the row alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.migrations import RunSQL

# A key that acts in many organizations has this home; see keys/migrations.
NO_HOME = 0


def referable(table: str, columns: Sequence[str]) -> RunSQL:
    """Let foreign keys name a table's rows by these columns together."""
    name = f"{table}_{'_'.join(columns)}_referable"
    return RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE ({', '.join(columns)})",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


def tenant_reference(
    name: str, table: str, columns: Sequence[str], *, to: str, to_columns: Sequence[str]
) -> RunSQL:
    """
    Let `columns` of a table refer to those of another, the organization among them.

    The other's are `referable`. Where one of the columns is null there is no
    reference, so nothing is checked.
    """
    return RunSQL(
        f"""
        ALTER TABLE {table} ADD CONSTRAINT {name}
            FOREIGN KEY ({", ".join(columns)})
            REFERENCES {to} ({", ".join(to_columns)})
        """,
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


def key_reference(table: str, *, whose: str) -> RunSQL:
    """
    Let `api_key_id` of a table name a key of the row's organization, or a personal one.

    The row also keeps the key's home (its organization, or `NO_HOME`), which the
    database fills in. `whose` says which personal keys may be named: those of a
    "member" of the organization, when the row is written, or of "anybody", where the
    gateway looked and the person may have left since.
    """
    assert whose in ("member", "anybody")
    return RunSQL(
        f"""
        ALTER TABLE {table} ADD COLUMN api_key_home bigint;
        CREATE TRIGGER fill_key_home BEFORE INSERT
            OR UPDATE OF api_key_id, api_key_home, organization_id ON {table}
            FOR EACH ROW EXECUTE FUNCTION fill_key_home('{whose}');
        UPDATE {table} SET api_key_home = keys_apikey.home_id
            FROM keys_apikey WHERE keys_apikey.id = {table}.api_key_id;
        ALTER TABLE {table}
            ADD CONSTRAINT {table}_key_at_home
                CHECK (api_key_home IN ({NO_HOME}, organization_id)),
            ADD CONSTRAINT {table}_key_has_home
                CHECK ((api_key_id IS NULL) = (api_key_home IS NULL)),
            ADD CONSTRAINT {table}_key_of_organization
                FOREIGN KEY (api_key_id, api_key_home)
                REFERENCES keys_apikey (id, home_id);
        """,  # noqa: S608 - our own names
        f"""
        DROP TRIGGER fill_key_home ON {table};
        ALTER TABLE {table} DROP COLUMN api_key_home;
        """,
    )
