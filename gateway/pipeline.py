"""
One connection to Postgres in libpq's pipeline mode, driven by the event loop.

The books send a few statements a thousand times a second and wait for nothing else,
so this does only that: prepared statements, text parameters, one round trip for many
statements. What runs between two commits is one transaction (the extended query
protocol's implicit one). docs/decisions tells what a general cursor costs instead.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Sequence
from datetime import date, datetime
from itertools import count
from typing import Any

import psycopg
from psycopg import pq

from billing.booking import Rows, Statement
from gateway import database

READERS: dict[int, Callable[[bytes], Any]] = {
    16: lambda value: value == b"t",  # boolean
    20: int,  # bigint
    21: int,  # smallint
    23: int,  # integer
    1082: lambda value: date.fromisoformat(value.decode()),
    # timestamptz, as the default of `DateStyle` writes it
    1184: lambda value: datetime.fromisoformat(value.decode()),
    1700: int,  # numeric: sums of bigint
    2950: lambda value: uuid.UUID(value.decode()),
}
GOOD = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
# A server that says nothing for so long is gone; statements time out before.
SILENCE_MAX_S = 15.0


class PipelineBroken(Exception):
    """The connection is gone: a commit under way may have happened or not."""


class StatementFailed(Exception):
    """Postgres refused a statement: the transaction will not commit."""


class Pipeline:
    """Runs one transaction at a time, of statements known from the start."""

    def __init__(self, connection: database.Connection) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        # Kept: libpq no longer tells it once the connection is lost.
        self._socket = connection.pgconn.socket
        self._loop = asyncio.get_running_loop()
        self._names: dict[str, bytes] = {}
        self._results: list[pq.abc.PGresult] = []
        # How many results the waiter wants, synchronization included.
        self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None
        self.is_broken = False

    @classmethod
    async def connect(cls, statements: Sequence[str]) -> Pipeline:
        """
        Connect and prepare the statements (with `%s` for each parameter).

        :raises psycopg.OperationalError, PipelineBroken: if that fails.
        """
        pipeline = cls(await database.connect())
        pgconn = pipeline._pgconn
        pgconn.nonblocking = 1
        pgconn.enter_pipeline_mode()
        pipeline._loop.add_reader(pipeline._socket, pipeline._on_readable)
        for number, text in enumerate(statements):
            pipeline._names[text] = f"books_{number}".encode()
            pgconn.send_prepare(pipeline._names[text], numbered(text))
        pgconn.pipeline_sync()
        prepared = await pipeline._fetch(len(statements), ends=True)
        if not all(result.status in GOOD for result in prepared):
            await pipeline.close()
            raise PipelineBroken
        return pipeline

    async def close(self) -> None:
        """Disconnect; what is not committed is rolled back."""
        self._break()
        await self._connection.close()

    async def query(self, statements: Sequence[Statement]) -> list[Rows]:
        """
        Run statements and return their rows, the transaction left open.

        :raises StatementFailed, PipelineBroken: after the first, `roll_back`.
        """
        self._send(statements)
        self._pgconn.send_flush_request()
        results = await self._fetch(len(statements), ends=False)
        return [rows_of(result) for result in results]

    async def commit(self, statements: Sequence[Statement] = ()) -> list[Rows]:
        """Run statements and commit. Raises as `query` does, rolled back then."""
        self._send(statements)
        self._pgconn.pipeline_sync()
        results = await self._fetch(len(statements), ends=True)
        return [rows_of(result) for result in results]

    async def roll_back(self) -> None:
        """End a transaction in which a statement of `query` failed."""
        self._pgconn.pipeline_sync()
        await self._fetch(0, ends=True)

    def _send(self, statements: Sequence[Statement]) -> None:
        if self.is_broken:
            raise PipelineBroken
        for statement in statements:
            values = [as_text(value) for value in statement.parameters]
            self._pgconn.send_query_prepared(self._names[statement.text], values)

    async def _fetch(self, statements: int, *, ends: bool) -> list[pq.abc.PGresult]:
        """
        Return the results of so many statements, in order.

        `ends` if the end of the transaction was asked for, which has a result too.
        """
        self._wanted = statements + ends
        self._waiter = self._loop.create_future()
        silence = self._loop.call_later(SILENCE_MAX_S, self._break)
        try:
            self._flush()
            await self._waiter
        finally:
            silence.cancel()
            self._waiter = None
        results, self._results = self._results, []
        if not is_in_step([result.status for result in results], ends=ends):
            # Whatever the reason: of a new connection it is known where it stands.
            self._break()
            raise PipelineBroken
        return results[:statements]

    def _flush(self) -> None:
        """Send what libpq has gathered, now or when the socket takes it."""
        try:
            is_left = self._pgconn.flush()
        except psycopg.OperationalError:
            self._break()
            return
        if is_left:
            self._loop.add_writer(self._socket, self._on_writable)

    def _on_writable(self) -> None:
        self._loop.remove_writer(self._socket)
        self._flush()

    def _on_readable(self) -> None:
        try:
            self._pgconn.consume_input()
            self._read_results()
        except psycopg.OperationalError:
            self._break()
            return
        if self._pgconn.status == pq.ConnStatus.BAD:
            self._break()
            return
        is_enough = len(self._results) >= self._wanted
        if is_enough and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _read_results(self) -> None:
        """Take what has come. Between two results libpq says None once."""
        is_between = False
        while len(self._results) < self._wanted and not self._pgconn.is_busy():
            result = self._pgconn.get_result()
            if result is not None:
                self._results.append(result)
                is_between = False
            elif is_between:
                return
            else:
                is_between = True

    def _break(self) -> None:
        """Give the connection up and tell whoever waits."""
        if not self.is_broken:
            self.is_broken = True
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._pgconn.finish()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(PipelineBroken())


def is_in_step(statuses: Sequence[int], *, ends: bool) -> bool:
    """Say whether these can be the results of what was just sent, from its start."""
    if ends and statuses[-1] != pq.ExecStatus.PIPELINE_SYNC:
        return False
    of_statements = statuses[:-1] if ends else statuses
    if pq.ExecStatus.PIPELINE_SYNC in of_statements:
        return False
    # A statement is only skipped after one that failed.
    bad = next((status for status in of_statements if status not in GOOD), None)
    return bad != pq.ExecStatus.PIPELINE_ABORTED


def rows_of(result: pq.abc.PGresult) -> Rows:
    """Return the rows of a result. Raises `StatementFailed`."""
    if result.status not in GOOD:
        raise StatementFailed(error_text(result))
    columns = range(result.nfields)
    readers = [READERS.get(result.ftype(column), bytes.decode) for column in columns]
    return [
        tuple(
            None if (value := result.get_value(row, column)) is None else reader(value)
            for column, reader in enumerate(readers)
        )
        for row in range(result.ntuples)
    ]


def error_text(result: pq.abc.PGresult) -> str:
    """Return Postgres' message; it has no values of ours that are secret."""
    message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY)
    return message.decode() if message else "aborted with its transaction"


def numbered(text: str) -> bytes:
    """Write a statement's parameters as Postgres does: $1, $2, …"""
    numbers = count(1)
    return re.sub("%s", lambda _: f"${next(numbers)}", text).encode()


def as_text(value: object) -> bytes:
    """Write a parameter as text: arrays of plain values, or a string."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        return ("{" + ",".join(map(str, value)) + "}").encode()
    return str(value).encode()
