"""Put the rules into Postgres: privileges, policies, and row-level security on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from django.db import connection, transaction

from orgs.reach import DatabaseRole
from orgs.walls import rules
from orgs.walls.roles import roles_of

# Who runs the application waits behind each table for moments.
LOCK_TIMEOUT = "10s"
TABLES = """
SELECT relname::text, EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = pg_class.oid AND attname = 'organization_id' AND NOT attisdropped
)
FROM pg_class
WHERE relkind IN ('r', 'p') AND NOT relispartition
    AND relnamespace = 'public'::regnamespace
    AND pg_has_role(current_user, relowner, 'MEMBER')
ORDER BY relname
"""
POLICIES = "SELECT policyname FROM pg_policies WHERE tablename = %s ORDER BY policyname"
# A mark of what was built, so that it is built once: Postgres locks each table for it.
MARK = "SELECT obj_description('django_migrations'::regclass)"
EVERYTHING = "SELECT, INSERT, UPDATE, DELETE"
FUNCTIONS = (
    "GRANT USAGE ON SEQUENCE usage_usagerecord_sequence TO {gateway}, {installation}",
    "GRANT EXECUTE ON FUNCTION make_usage_partition(date) TO {installation}",
)
EVERY_ROW = "USING (true) WITH CHECK (true)"


def build_walls(database: str) -> None:
    """Bring privileges and policies up to date, table by table. Safe to repeat."""
    plan = planned(database)
    for table, statements in plan.items():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            cursor.execute(POLICIES, [table])
            for (policy,) in cursor.fetchall():
                cursor.execute(f'DROP POLICY "{policy}" ON "{table}"')
            for statement in statements:
                cursor.execute(statement)
    with connection.cursor() as cursor:
        cursor.execute(f"COMMENT ON TABLE django_migrations IS '{mark_of(plan)}'")


def walls_are_built(database: str) -> bool:
    """Say whether the rules of this release are in the database."""
    with connection.cursor() as cursor:
        cursor.execute(MARK)
        return bool(cursor.fetchone()[0] == mark_of(planned(database)))


def mark_of(plan: dict[str, list[str]]) -> str:
    text = "\n".join(f"{table}: {statements}" for table, statements in plan.items())
    return f"walls {hashlib.sha256(text.encode()).hexdigest()}"


def planned(database: str) -> dict[str, list[str]]:
    """Return the statements for each table; its policies are taken off before."""
    roles = {name: f'"{role}"' for name, role in roles_of(database).items()}
    plan = {}
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        for table, has_organization in cursor.fetchall():
            plan[table] = list(privileges(table, roles))
            if has_organization or table in rules.CONSOLE:
                plan[table] += policies(table, roles)
    # With the last of them, as they hang on no table.
    plan["usage_usagerecord"] += [each.format(**roles) for each in FUNCTIONS]
    return plan


def privileges(table: str, roles: dict[str, str]) -> Iterator[str]:
    """Yield what grants each role its verbs, and nothing beside."""
    yield f'REVOKE ALL ON "{table}" FROM {", ".join(roles.values())}'
    everything = "SELECT" if table == "django_migrations" else EVERYTHING
    yield f'GRANT {everything} ON "{table}" TO {roles[DatabaseRole.INSTALLATION]}'
    yield f'GRANT {console_verbs(table)} ON "{table}" TO {roles[DatabaseRole.CONSOLE]}'
    for verb, columns in rules.GATEWAY.get(table, {}).items():
        narrowed = f"{verb} ({', '.join(columns)})" if columns else verb
        yield f'GRANT {narrowed} ON "{table}" TO {roles[DatabaseRole.GATEWAY]}'


def console_verbs(table: str) -> str:
    if table in rules.CONSOLE_READS:
        return "SELECT"
    return "SELECT, INSERT" if table in rules.CONSOLE_ADDS else EVERYTHING


def policies(table: str, roles: dict[str, str]) -> Iterator[str]:
    """Yield what shows each role its rows. The owner, who migrates, sees them all."""
    yield f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY'
    yield f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY'
    yield f'CREATE POLICY owner ON "{table}" TO CURRENT_USER {EVERY_ROW}'
    wide = [DatabaseRole.INSTALLATION]
    if table in rules.GATEWAY:
        wide.append(DatabaseRole.GATEWAY)
    for role in wide:
        yield f'CREATE POLICY {role} ON "{table}" TO {roles[role]} {EVERY_ROW}'
    of_console = rules.CONSOLE.get(table, rules.OF_THE_ORGANIZATION_ALONE)
    for verb, found, left in of_console:
        using = f" USING ({found})" if found else ""
        check = f" WITH CHECK ({left})" if left else ""
        yield (
            f'CREATE POLICY console_{verb.lower()} ON "{table}" FOR {verb} '
            f"TO {roles[DatabaseRole.CONSOLE]}{using}{check}"
        )
