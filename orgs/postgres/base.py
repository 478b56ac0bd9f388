"""Django's Postgres, which is told of each change of reach before a statement runs."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base
from psycopg import sql

from orgs.reach import Reach, current_reach
from orgs.walls.names import role_name

# No query: a transaction may still choose its isolation after it.
SET_REACH = """
SET ROLE {role}; SET tokenhouse.organization = {organization};
SET tokenhouse.person = {person}
"""


class DatabaseWrapper(base.DatabaseWrapper):
    # What Postgres knows; None if a rollback or a new connection made it uncertain.
    _told: Reach | None = None
    _is_rolling_back = False

    def init_connection_state(self) -> None:
        self._told = None
        super().init_connection_state()

    def create_cursor(self, name: str | None = None) -> Any:
        self.tell_reach()
        return super().create_cursor(name)

    def tell_reach(self) -> None:
        """Tell Postgres the reach, unless it knows."""
        reach = current_reach()
        if reach == self._told or self._is_rolling_back or not settings.DATABASE_ROLES:
            return
        with self.connection.cursor() as cursor:
            cursor.execute(statement_for(reach, self.settings_dict["NAME"]))
        self._told = reach

    def _rollback(self) -> None:
        # Postgres takes back what was set since the transaction began.
        self._told = None
        super()._rollback()  # type: ignore[misc]

    def _savepoint_rollback(self, sid: str) -> None:
        # Until then Postgres listens to nothing else.
        self._is_rolling_back = True
        try:
            super()._savepoint_rollback(sid)  # type: ignore[misc]
        finally:
            self._is_rolling_back = False
            self._told = None


def statement_for(reach: Reach, database: str) -> sql.Composed:
    """Return what tells Postgres role, organization and person."""
    role: sql.Composable = sql.SQL("NONE")
    if reach.role:
        role = sql.Identifier(role_name(database, reach.role))
    return sql.SQL(SET_REACH).format(
        role=role,
        organization=sql.Literal(str(reach.organization_id or "")),
        person=sql.Literal(str(reach.person_id or "")),
    )
