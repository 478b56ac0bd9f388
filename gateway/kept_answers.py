"""
The table of kept answers, as the gateway reads and writes it.

Only requests with an `Idempotency-Key` come here; the pool opens no connection
before the first one.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from billing import kept_answer_sql as sql
from billing.gateway_models import KeptAnswerState
from gateway import database
from gateway.transcripts import Transcript
from keys.encryption import CannotDecrypt, seal_bytes, unseal_bytes

logger = logging.getLogger(__name__)

KEPT_S = 24 * 3600.0
CONNECTIONS_MAX = 4
CONNECT_PATIENCE_S = 5.0
# Longer than any statement may run: beyond that nobody is there.
SILENCE_MAX_S = 15.0
RETRY_PAUSE_S = 1.0
# Writes that wait for the database; some of them hold an answer in memory.
WAITING_MAX = 1000
ANSWERS_WAITING_MAX = 16


class AnswersUnreachable(Exception):
    """Postgres does not answer, so nobody knows whether this was asked before."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer is kept: whose, and under which idempotency key."""

    organization_id: int
    api_key_id: int
    key_digest: str

    def context(self, event_id: uuid.UUID) -> tuple[str, ...]:
        """Return what an answer's ciphertext is bound to."""
        return (
            "billing_keptanswer",
            "ciphertext",
            str(self.organization_id),
            str(self.api_key_id),
            self.key_digest,
            event_id.hex,
        )

    def named(self) -> dict[str, object]:
        return {
            "organization_id": self.organization_id,
            "api_key_id": self.api_key_id,
            "key_digest": self.key_digest,
        }


@dataclass(frozen=True, slots=True)
class Found:
    """What an idempotency key was used for before."""

    event_id: uuid.UUID
    fingerprint: str
    state: str
    answer: Transcript | None
    # The gateway that serves it still says so.
    is_served: bool

    @property
    def is_abandoned(self) -> bool:
        """Its gateway died before it sent anything: another may take it over."""
        return self.state == KeptAnswerState.CLAIMED and not self.is_served


class KeptAnswers:
    """Claims, keeps and finds answers."""

    def __init__(self, *, gateway_id: uuid.UUID, dead_s: float) -> None:
        self._always = {"gateway_id": gateway_id, "dead_s": dead_s, "kept_s": KEPT_S}
        self._pool: AsyncConnectionPool[database.Connection] | None = None
        self._waiting: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for task in self._waiting:
            task.cancel()
        if self._pool is not None:
            await self._pool.close()

    async def claim(self, place: Place, event_id: uuid.UUID, fingerprint: str) -> bool:
        """Claim a place for a request; False if another has it."""
        values = {"event_id": event_id, "fingerprint": fingerprint}
        rows = await self._run(sql.CLAIM, {**place.named(), **values})
        return bool(rows)

    async def look(self, place: Place) -> Found | None:
        """Return what is known of a place, or None if it is free."""
        rows = await self._run(sql.LOOK, place.named())
        if not rows:
            return None
        event_id, fingerprint, state, status, ciphertext, is_served = rows[0]
        answer = None
        if state == KeptAnswerState.KEPT:
            context = place.context(event_id)
            answer = await asyncio.to_thread(opened, status, ciphertext, context)
            state = state if answer else KeptAnswerState.LOST
        return Found(event_id, fingerprint, state, answer, is_served)

    async def begin(self, event_id: uuid.UUID) -> bool:
        """Note that a request is about to be sent; False if it lost its claim."""
        return bool(await self._run(sql.BEGIN, {"event_id": event_id}))

    async def keep(self, place: Place, event_id: uuid.UUID, answer: Transcript) -> None:
        """Keep an answer; while the database is away, from memory as soon as it is."""
        if answer.is_too_long or len(self._waiting) > ANSWERS_WAITING_MAX:
            state = KeptAnswerState.TOO_LONG if answer.is_too_long else "lost"
            await self.give_up(event_id, state)
            return
        sealed = await asyncio.to_thread(
            seal_bytes, answer.packed(), context=place.context(event_id)
        )
        values = {"event_id": event_id, "status": answer.status, "ciphertext": sealed}
        await self._ensure(sql.KEEP, values)

    async def give_up(self, event_id: uuid.UUID, state: str) -> None:
        """Note that a charged request's answer cannot be given again."""
        await self._ensure(sql.GIVE_UP, {"event_id": event_id, "state": state})

    async def free(self, event_id: uuid.UUID) -> None:
        """Forget a request that was charged nothing."""
        await self._ensure(sql.FREE, {"event_id": event_id})

    def give_up_soon(self, event_id: uuid.UUID, state: str) -> None:
        """Do as `give_up` does, without waiting: the task that asks is ending."""
        self._later(sql.GIVE_UP, {"event_id": event_id, "state": state})

    def free_soon(self, event_id: uuid.UUID) -> None:
        """Do as `free` does, without waiting."""
        self._later(sql.FREE, {"event_id": event_id})

    async def _ensure(self, text: LiteralString, values: Mapping[str, object]) -> None:
        try:
            await self._run(text, values)
        except AnswersUnreachable:
            self._later(text, values)

    def _later(self, text: LiteralString, values: Mapping[str, object]) -> None:
        if len(self._waiting) >= WAITING_MAX:
            logger.warning("kept_answer_dropped event=%s", values["event_id"])
            return
        task = asyncio.create_task(self._until_written(text, values))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _until_written(
        self, text: LiteralString, values: Mapping[str, object]
    ) -> None:
        while True:
            try:
                await self._run(text, values)
            except AnswersUnreachable:
                await asyncio.sleep(RETRY_PAUSE_S)
            else:
                return

    async def _run(
        self, text: LiteralString, values: Mapping[str, object]
    ) -> list[tuple[Any, ...]]:
        try:
            pool = await self._opened_pool()
            async with asyncio.timeout(SILENCE_MAX_S), pool.connection() as connection:
                cursor = await connection.execute(
                    text, {**self._always, **values}, binary=True
                )
                return await cursor.fetchall() if cursor.description else []
        except (psycopg.Error, PoolTimeout, TimeoutError) as error:
            logger.warning("kept_answers_unreachable error=%s", type(error).__name__)
            raise AnswersUnreachable from error

    async def _opened_pool(self) -> AsyncConnectionPool[database.Connection]:
        if self._pool is None:
            self._pool = AsyncConnectionPool(
                kwargs={**database.connection_parameters(), "autocommit": True},
                min_size=0,
                max_size=CONNECTIONS_MAX,
                timeout=CONNECT_PATIENCE_S,
                reconnect_timeout=CONNECT_PATIENCE_S,
                check=AsyncConnectionPool.check_connection,
                open=False,
            )
            await self._pool.open()
        return self._pool


def opened(
    status: int, ciphertext: bytes, context: tuple[str, ...]
) -> Transcript | None:
    """Return a kept answer, or None if its encryption key is gone."""
    try:
        return Transcript.unpacked(status, unseal_bytes(ciphertext, context=context))
    except CannotDecrypt:
        logger.warning("kept_answer_unreadable")
        return None
