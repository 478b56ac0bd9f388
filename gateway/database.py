"""The gateway's own connections to Postgres: asynchronous, outside Django's."""

from __future__ import annotations

from typing import Any

import psycopg
from django.conf import settings
from django.db import connections
from psycopg.rows import TupleRow

from orgs.reach import OF_GATEWAY
from orgs.walls.names import role_name

Connection = psycopg.AsyncConnection[TupleRow]

# A lock is waited for, and a statement runs, this long at most.
LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 10_000
# A gateway that freezes in the middle of a booking keeps its budget's lock no longer.
TRANSACTION_TIMEOUT_MS = 15_000
FIRST_WITH_TRANSACTION_TIMEOUT = 17_00_00
# The books run a few statements by key, over small arrays: one plan fits all, always
# by index (the tables change too fast for statistics), never worth compiling.
PLANNING = (
    "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off "
    "-c enable_hashjoin=off -c enable_mergejoin=off -c jit=off"
)
# What Django adds for connections of its own kind.
DJANGOS_OWN = ("client_encoding", "context", "cursor_factory", "prepare_threshold")


def connection_parameters() -> dict[str, Any]:
    """Return libpq's parameters for Django's default database, with ours."""
    parameters = connections["default"].get_connection_params()
    kept = {
        name: value
        for name, value in parameters.items()
        if value and name not in DJANGOS_OWN
    }
    kept["application_name"] = "tokenhouse-gateway"
    kept["connect_timeout"] = 3
    role = ""
    if settings.DATABASE_ROLES:
        # With the connection, as a statement for it would be one more.
        name = role_name(parameters["dbname"], OF_GATEWAY.role)
        role = f"-c role={name.replace(' ', chr(92) + ' ')} "
    kept["options"] = (
        f"{kept.get('options', '')} {role}-c lock_timeout={LOCK_TIMEOUT_MS} "
        f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC {PLANNING}"
    )
    return kept


async def connect() -> Connection:
    """Open a connection in autocommit mode: transactions are opened by hand."""
    connection = await psycopg.AsyncConnection.connect(
        **connection_parameters(), autocommit=True, prepare_threshold=0
    )
    if connection.info.server_version >= FIRST_WITH_TRANSACTION_TIMEOUT:
        await connection.execute(f"SET transaction_timeout = {TRANSACTION_TIMEOUT_MS}")
    return connection
