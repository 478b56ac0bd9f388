"""
Answers to identical deterministic requests, for organizations that want that.

In Redis, which may lose them: without it each request is asked anew. An answer is
encrypted for its organization alone, under a name that only its settings, provider
and request make.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
import re
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import cast

import orjson
from django.conf import settings
from redis import RedisError
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from billing.gateway_models import GatewaySettings
from billing.pricing import Tokens
from gateway import metrics
from gateway.transcripts import Transcript
from keys.encryption import CannotDecrypt, seal_bytes, unseal_bytes

logger = logging.getLogger(__name__)

CONNECTIONS_MAX = 8
TIMEOUT_S = 0.25
# After a failure nobody asks Redis for so long.
PAUSE_S = 1.0
ANSWER_MAX_BYTES = 512 * 1024
# What an organization may add in an hour; beyond that answers are not kept.
HOUR_S = 3600
BYTES_PER_HOUR_MAX = 64 * 1024 * 1024

UNFINISHED = re.compile(rb'"status"\s*:\s*"(failed|incomplete|cancelled)"')

LOOKED_UP = {
    result: metrics.CACHE_LOOKUPS.labels(result)
    for result in ("hit", "miss", "unreachable")
}


@dataclass(frozen=True, slots=True)
class Cached:
    """An answer from the cache, and the tokens that it once cost."""

    body: bytes
    content_type: bytes
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the answer to a request is, or would be."""

    cache: AnswerCache
    organization_id: int
    name: str
    cache_s: int

    @property
    def context(self) -> tuple[str, ...]:
        return ("answer_cache", str(self.organization_id), self.name)

    @property
    def key(self) -> str:
        return f"tokenhouse:answer:{{{self.organization_id}}}:{self.name}"

    async def find(self) -> Cached | None:
        return await self.cache.find(self)

    async def keep(self, answer: Transcript, tokens: Tokens) -> None:
        await self.cache.keep(self, answer, tokens)


class AnswerCache:
    """Finds and keeps answers; whatever fails is a miss."""

    def __init__(self, *, url: str) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS_MAX,
            timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis: Redis = Redis.from_pool(pool)
        self._asks_from = 0.0

    async def close(self) -> None:
        with contextlib.suppress(RedisError, OSError):
            await self._redis.aclose()

    def slot(self, wish: GatewaySettings, origin: str, asked: bytes) -> Slot:
        """Return the slot of a request; a change of settings makes all slots new."""
        digest = hmac.new(settings.KEY_PEPPER.encode(), digestmod=hashlib.sha256)
        owner = f"{wish.organization_id} {wish.updated_at.isoformat()} {origin}\n"
        digest.update(owner.encode())
        digest.update(asked)
        return Slot(self, wish.organization_id, digest.hexdigest(), wish.cache_s)

    async def find(self, slot: Slot) -> Cached | None:
        sealed: bytes | None = None
        async with self._asking() as may_ask:
            if may_ask:
                sealed = cast("bytes | None", await self._redis.get(slot.key))
        found = opened(slot, sealed) if sealed else None
        LOOKED_UP["hit" if found else "miss"].inc()
        return found

    async def keep(self, slot: Slot, answer: Transcript, tokens: Tokens) -> None:
        """Keep a whole answer for a while, unless it is long or there are many."""
        body = answer.body
        if answer.is_too_long or len(body) > ANSWER_MAX_BYTES or not is_final(body):
            return
        types = (value for name, value in answer.headers if name == b"content-type")
        head = {"type": next(types, b"").decode("latin-1"), "tokens": asdict(tokens)}
        sealed = seal_bytes(orjson.dumps(head) + b"\n" + body, context=slot.context)
        async with self._asking() as may_ask:
            if may_ask and await self._has_room(slot, len(sealed)):
                await self._redis.set(slot.key, sealed, ex=slot.cache_s)

    async def _has_room(self, slot: Slot, count: int) -> bool:
        hour = int(time.time()) // HOUR_S
        key = f"tokenhouse:answer-bytes:{{{slot.organization_id}}}:{hour}"
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.incrby(key, count)
            pipeline.expire(key, 2 * HOUR_S)
            used, _ = await pipeline.execute()
        return int(used) <= BYTES_PER_HOUR_MAX

    @contextlib.asynccontextmanager
    async def _asking(self) -> AsyncIterator[bool]:
        """Yield whether Redis may be asked; what fails inside is only logged."""
        if time.monotonic() < self._asks_from:
            yield False
            return
        try:
            async with asyncio.timeout(TIMEOUT_S):
                yield True
        except (RedisError, OSError, TimeoutError) as error:
            self._asks_from = time.monotonic() + PAUSE_S
            LOOKED_UP["unreachable"].inc()
            logger.warning("answer_cache_unreachable error=%s", type(error).__name__)


def opened(slot: Slot, sealed: bytes) -> Cached | None:
    """Return what a slot holds, or None if it was not put there by us."""
    try:
        text = unseal_bytes(sealed, context=slot.context)
    except CannotDecrypt:
        logger.warning("cached_answer_unreadable")
        return None
    head, _, body = text.partition(b"\n")
    said = orjson.loads(head)
    try:
        tokens = Tokens(**said["tokens"])
    except TypeError:  # kept by another release, which counted otherwise
        return None
    return Cached(body, said["type"].encode("latin-1"), tokens)


def is_final(body: bytes) -> bool:
    """Say whether an answer ended well: a response can fail or break off in a 200."""
    return UNFINISHED.search(body) is None
