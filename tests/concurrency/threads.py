"""Do things at once, each thread with a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection, connections

T = TypeVar("T")
PATIENCE_S = 20
# Of this test's database: others in the cluster wait for locks of their own.
WAITING = """
SELECT count(DISTINCT pid) FROM pg_locks AS wanted
WHERE NOT granted AND EXISTS (
    SELECT FROM pg_locks AS had JOIN pg_database ON pg_database.oid = had.database
    WHERE had.pid = wanted.pid AND datname = current_database()
)
"""


def somebody_waits() -> bool:
    """Say whether a connection waits for a lock."""
    return waiting() > 0


def waiting() -> int:
    """Return how many connections wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return int(cursor.fetchone()[0])


def all_at_once(functions: Sequence[Callable[[], T]]) -> list[T]:
    """Start each function at the same moment and return their results in order."""
    gate = threading.Barrier(len(functions))

    def wait_and_call(function: Callable[[], T]) -> T:
        gate.wait(PATIENCE_S)
        return in_own_connection(function)

    with ThreadPoolExecutor(len(functions)) as pool:
        futures = [pool.submit(wait_and_call, function) for function in functions]
        return [future.result(PATIENCE_S) for future in futures]


@contextmanager
def meanwhile(function: Callable[[], T]) -> Iterator[Future[T]]:
    """Run a function in another thread for the time of the block."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(in_own_connection, function)


def in_own_connection(function: Callable[[], T]) -> T:
    try:
        return function()
    finally:
        connections.close_all()
