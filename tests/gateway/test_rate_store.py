"""Buckets in Redis hold to the same arithmetic, and vanish when they are empty."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.rate_limits.buckets import (
    WINDOW_MS,
    Level,
    correct,
    take,
)
from gateway.rate_limits.store import CONNECTIONS_MAX, Store, StoreUnreachable
from tests.gateway.rates import bucket, shared_url

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def client() -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(shared_url())
    yield client
    client.close()


@pytest_asyncio.fixture
async def store() -> AsyncIterator[Store]:
    store = Store(url=shared_url(), timeout_s=10)
    yield store
    await store.close()


@pytest.fixture
def name() -> str:
    """Return the key of a bucket that nobody else has."""
    return f"test:{{{uuid.uuid4()}}}"


AMOUNTS = st.integers(0, 10**6)
STEPS = st.lists(
    st.tuples(AMOUNTS, AMOUNTS, st.none() | st.integers(-(10**9), 10**9)), max_size=12
)
LIMITS = st.integers(1, 10**9)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(limits=st.tuples(LIMITS, LIMITS), steps=STEPS)
async def test_redis_and_the_local_buckets_come_to_the_same(
    store: Store, limits: tuple[int, int], steps: list[tuple[int, int, int | None]]
) -> None:
    prefix = f"test:{{{uuid.uuid4()}}}"
    levels: list[Level | None] = [None, None]
    for *amounts, difference in steps:
        buckets = [
            bucket(limit, amount, key=f"{prefix}:{i}")
            for i, (limit, amount) in enumerate(zip(limits, amounts, strict=True))
        ]
        taken, now_ms = await store.take_at(buckets)
        assert taken == take(buckets, levels, now_ms=now_ms)
        levels = [Level(used, now_ms) for used in taken.used]
        if difference is not None:
            found, now_ms = await store.correct(buckets, difference)
            assert found == tuple(
                correct(level, b.limit, difference, now_ms=now_ms)
                for b, level in zip(buckets, levels, strict=True)
            )
            levels = [Level(used, now_ms) for used in found]


async def test_a_bucket_expires_when_it_is_empty(
    store: Store, client: redis.Redis, name: str
) -> None:
    await store.take([bucket(60, 30, key=name)])

    assert 30_000 < client.pttl(name) <= 31_000


async def test_a_refusal_writes_nothing(
    store: Store, client: redis.Redis, name: str
) -> None:
    other = f"{name}:other"
    taken = await store.take([bucket(5, 1, key=name), bucket(5, 6, key=other)])

    assert not taken.is_admitted
    assert client.exists(name, other) == 0


async def test_what_is_no_level_counts_as_empty(
    store: Store, client: redis.Redis, name: str
) -> None:
    client.set(name, "garbage")

    assert (await store.take([bucket(5, key=name)])).used == (WINDOW_MS,)


async def test_a_level_of_the_future_neither_drains_nor_locks_out(
    store: Store, client: redis.Redis, name: str
) -> None:
    seconds, _ = client.time()
    client.set(name, f"{3 * WINDOW_MS} {(seconds + 3600) * 1000}")

    refused, now_ms = await store.take_at([bucket(3, key=name)])

    assert (refused.is_admitted, refused.used) == (False, (3 * WINDOW_MS,))
    assert client.get(name) == f"{3 * WINDOW_MS} {now_ms}".encode()


async def test_scripts_that_redis_forgot_are_sent_again(
    store: Store, client: redis.Redis, name: str
) -> None:
    await store.take([bucket(3, key=name)])
    client.script_flush()

    assert (await store.take([bucket(3, key=name)])).is_admitted


async def test_redis_that_is_away_is_told_apart_from_a_refusal() -> None:
    store = Store(url=NOWHERE, timeout_s=10)

    with pytest.raises(StoreUnreachable):
        await store.take([bucket(3)])
    assert not await store.answers()
    await store.close()


async def test_who_stands_in_line_for_a_silent_redis_does_not_ask_it_again(
    name: str,
) -> None:
    asked = 0

    async def stay_silent(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        nonlocal asked
        asked += 1
        await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(stay_silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    store = Store(url=f"redis://127.0.0.1:{port}/0", timeout_s=0.2)
    takes = (store.take([bucket(9, key=name)]) for _ in range(10 * CONNECTIONS_MAX))

    answers = await asyncio.gather(*takes, return_exceptions=True)

    assert all(isinstance(answer, StoreUnreachable) for answer in answers)
    assert asked == CONNECTIONS_MAX
    await store.close()
    server.close()
