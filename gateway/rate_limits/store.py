"""
Buckets in Redis, shared by all gateways. The only module that knows Redis here.

One script decides over all buckets of a request at once: Redis runs it alone, by its
own clock. Buckets of an organization share a hash tag (Redis Cluster) and expire
when they are empty.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

from redis import RedisError
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway.rate_limits.buckets import FULLEST_WINDOWS, WINDOW_MS, Bucket, Taken

CONNECTIONS_MAX = 8
# What is empty is kept a moment longer, so that a clock's jitter does not matter.
EXPIRY_SLACK_MS = 1000

COMMON = f"""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function drained(key, limit)
    local stored = redis.call('GET', key)
    if not stored then return 0, now end
    local used, at = string.match(stored, '^(%d+) (%d+)$')
    if not used then return 0, now end
    at = tonumber(at)
    return math.max(0, tonumber(used) - math.max(0, now - at) * limit), at
end

local function keep(key, used, limit)
    local expiry = math.ceil(used / limit) + {EXPIRY_SLACK_MS}
    redis.call('SET', key, string.format('%.0f %.0f', used, now), 'PX', expiry)
end
"""
# Arguments: limit and amount of each bucket. Returns whether all of them took it, the
# time, and what each holds.
TAKE = f"""{COMMON}
local levels, went_back, fits = {{}}, {{}}, true
for i, key in ipairs(KEYS) do
    local limit, amount = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    local used, at = drained(key, limit)
    levels[i], went_back[i] = used, at > now
    fits = fits and used + amount * {WINDOW_MS} <= limit * {WINDOW_MS}
end
for i, key in ipairs(KEYS) do
    local limit, amount = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    if fits then levels[i] = levels[i] + amount * {WINDOW_MS} end
    if fits or went_back[i] then keep(key, levels[i], limit) end
end
return {{fits and 1 or 0, now, unpack(levels)}}
"""
# Arguments: limit and difference of each bucket. Returns the time and what each holds.
CORRECT = f"""{COMMON}
local levels = {{}}
for i, key in ipairs(KEYS) do
    local limit, difference = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    local used = drained(key, limit) + difference * {WINDOW_MS}
    levels[i] = math.min(math.max(0, used), {FULLEST_WINDOWS} * limit * {WINDOW_MS})
    keep(key, levels[i], limit)
end
return {{now, unpack(levels)}}
"""


class StoreUnreachable(Exception):
    """Redis does not answer in time."""


class Store:
    """The buckets that all gateways share."""

    def __init__(self, *, url: str, timeout_s: float) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS_MAX,
            timeout=None,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=None,
            socket_connect_timeout=None,
        )
        self._redis: Redis = Redis.from_pool(pool)
        self._take = self._redis.register_script(TAKE)
        self._correct = self._redis.register_script(CORRECT)
        self._timeout_s = timeout_s
        # Whoever waits for a connection must not count that against Redis.
        self._slots = asyncio.Semaphore(CONNECTIONS_MAX)
        self._failures = 0

    async def take(self, buckets: Sequence[Bucket]) -> Taken:
        """Put a request into all of its buckets or into none; StoreUnreachable."""
        taken, _ = await self.take_at(buckets)
        return taken

    async def take_at(self, buckets: Sequence[Bucket]) -> tuple[Taken, int]:
        """Do as `take`; also return the time by Redis, in milliseconds."""
        keys = [bucket.key for bucket in buckets]
        arguments = [n for bucket in buckets for n in (bucket.limit, bucket.amount)]
        admitted, now_ms, *used = await self._run(self._take, keys, arguments)
        return Taken(admitted == 1, tuple(used)), now_ms

    async def correct(
        self, buckets: Sequence[Bucket], difference: int
    ) -> tuple[tuple[int, ...], int]:
        """Add a difference to each bucket; return the levels and the time."""
        keys = [bucket.key for bucket in buckets]
        arguments = [n for bucket in buckets for n in (bucket.limit, difference)]
        now_ms, *used = await self._run(self._correct, keys, arguments)
        return tuple(used), now_ms

    async def answers(self) -> bool:
        """Say whether Redis answers in time."""
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(self._timeout_s):
                await self._redis.ping()
                return True
        return False

    async def close(self) -> None:
        with contextlib.suppress(RedisError, OSError):
            await self._redis.aclose()

    async def _run(self, script: Any, keys: list[str], arguments: list[int]) -> Any:
        failures = self._failures
        try:
            async with self._slots:
                if self._failures != failures:
                    # Who stood in line does not wait for it once more.
                    raise StoreUnreachable("it was lost meanwhile")
                async with asyncio.timeout(self._timeout_s):
                    return await script(keys=keys, args=arguments)
        except (RedisError, OSError, TimeoutError) as error:
            self._failures += 1
            raise StoreUnreachable(type(error).__name__) from error
