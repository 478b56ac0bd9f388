"""The roles: one that the processes log in as, and the three that it becomes."""

from __future__ import annotations

from django.db import connection
from psycopg import sql

from orgs.reach import DatabaseRole
from orgs.walls import names

BECOMES = (DatabaseRole.CONSOLE, DatabaseRole.GATEWAY, DatabaseRole.INSTALLATION)
MAY_MAKE_ROLES = (
    "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
)
THERE = "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)"
MEMBER = "SELECT pg_has_role(%s, %s, 'MEMBER')"


class RolesMissing(Exception):
    """The roles are not there, and the login of DATABASE_URL may not make them."""

    def __init__(self, missing: list[str]) -> None:
        super().__init__(
            f"Postgres lacks the roles {', '.join(missing)}, and the login of "
            'DATABASE_URL may not make them. Run the SQL under "Roles" in '
            "docs/operations.md as an administrator, or set DATABASE_ROLES=off."
        )


def roles_of(database: str) -> dict[str, str]:
    """Return the names of our roles in a database, the login's too."""
    return {role: names.role_name(database, role) for role in (names.LOGIN, *BECOMES)}


def ensure_roles(database: str, *, password: str) -> None:
    """
    Make the roles that are missing, and give the login its password. Safe to repeat.

    A login that may not make roles finds them made, with the password that it was
    given.

    :raises RolesMissing: if they are not there and cannot be made.
    """
    roles = roles_of(database)
    missing = sorted(set(roles.values()) - existing(list(roles.values())))
    if not may_make_roles():
        if missing:
            raise RolesMissing(missing)
        return
    for name in missing:
        run("CREATE ROLE {} NOLOGIN NOINHERIT", name)
    login = roles[names.LOGIN]
    run("ALTER ROLE {} LOGIN NOINHERIT PASSWORD {}", login, scrambled(login, password))
    for role in BECOMES:
        if not is_member(login, roles[role]):
            run("GRANT {} TO {}", roles[role], login)


def existing(names: list[str]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(THERE, [names])
        return {name for (name,) in cursor.fetchall()}


def may_make_roles() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(MAY_MAKE_ROLES)
        return bool(cursor.fetchone()[0])


def is_member(login: str, role: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(MEMBER, [login, role])
        return bool(cursor.fetchone()[0])


def scrambled(login: str, password: str) -> sql.Literal:
    """Return the password as Postgres keeps it: in clear its log might show it."""
    connection.ensure_connection()
    encrypted = connection.connection.pgconn.encrypt_password(
        password.encode(), login.encode(), b"scram-sha-256"
    )
    return sql.Literal(encrypted.decode())


def run(statement: str, *parts: str | sql.Literal) -> None:
    names = [sql.Identifier(part) if isinstance(part, str) else part for part in parts]
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(*names))
