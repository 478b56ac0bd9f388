"""The gateway says that it lives, and looks after holds that it lost track of."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import uuid
from collections.abc import Mapping, Sequence
from typing import LiteralString, Protocol

import psycopg

from billing import booking_sql
from billing.booking_types import Release
from gateway import database
from gateway.books import Books

logger = logging.getLogger(__name__)

BEAT_S = 1.0
# How many beats between two looks at our own holds, and how old a hold must be.
LOOK_EVERY = 10
LOST_AFTER_S = 30.0
# A connection that answers no beat for so long died silently.
SILENCE_MAX_S = 2.0


class Notes(Protocol):
    """What a gateway counts in memory and writes now and then."""

    async def write(self, connection: database.Connection) -> None: ...


class Presence:
    """Beats once a second by Postgres' clock, under an id of this process alone."""

    def __init__(self, books: Books, notes: Mapping[int, Sequence[Notes]]) -> None:
        """Take what to write: each after how many beats."""
        self.gateway_id = uuid.uuid4()
        self._books = books
        self._notes = notes
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to beat; the first beat is written before this returns, if it can."""
        ready = asyncio.Event()
        self._task = asyncio.create_task(self._run(ready))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ready.wait(), 3.0)

    async def close(self) -> None:
        """Stop beating and sign off."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        with contextlib.suppress(psycopg.Error):
            async with await database.connect() as connection:
                await connection.execute(booking_sql.SIGN_OFF, (self.gateway_id,))

    async def _run(self, ready: asyncio.Event) -> None:
        while True:
            try:
                async with await database.connect() as connection:
                    await self._beat_on(connection, ready)
            except (psycopg.Error, TimeoutError) as error:
                logger.warning("beat_failed error=%s", error or "timed out")
            await asyncio.sleep(BEAT_S)

    async def _beat_on(
        self, connection: database.Connection, ready: asyncio.Event
    ) -> None:
        beat = (self.gateway_id, socket.gethostname()[:120], os.getpid())
        count = 0
        while True:
            count += 1
            async with asyncio.timeout(SILENCE_MAX_S):
                await connection.execute(booking_sql.BEAT, beat)
                if count % LOOK_EVERY == 0:
                    await self._release_lost_holds(connection)
                await self._write_notes(connection, count)
            ready.set()
            await asyncio.sleep(BEAT_S)

    async def _write_notes(self, connection: database.Connection, beat: int) -> None:
        for beats, noted in self._notes.items():
            if beat % beats == 0:
                for notes in noted:
                    await notes.write(connection)

    async def _release_lost_holds(self, connection: database.Connection) -> None:
        """
        Release holds of ours that no request here knows of.

        Such a hold comes of a commit whose answer was lost and that Postgres carried
        out later than our release. It was never dispatched: we would know it.
        """
        query: LiteralString = booking_sql.OLD_HOLDS_OF_GATEWAY
        cursor = await connection.execute(query, (self.gateway_id, LOST_AFTER_S))
        for event_id, organization_id, cycle_start in await cursor.fetchall():
            if not self._books.knows(event_id):
                logger.warning("lost_hold_released event=%s", event_id)
                self._books.release(Release(event_id, (organization_id, cycle_start)))
