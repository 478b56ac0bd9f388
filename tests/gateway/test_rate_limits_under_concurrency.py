"""However many ask at once, a rate limit admits its number; without atomicity more."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from gateway.rate_limits.buckets import Bucket, Level, take
from gateway.rate_limits.store import Store
from orgs.models import Organization
from tests import rig
from tests.gateway.conftest import furnish_at
from tests.gateway.rates import bucket, limit_rate, shared_url
from tests.gateway.raw import BODY, call

AT_ONCE = 200
LIMIT = 5


def may_have_drained(begun: float) -> int:
    """Return how many more fit by now, on a machine however slow."""
    return int((time.monotonic() - begun) * LIMIT / 60)


@pytest.fixture
def asked() -> Bucket:
    return bucket(LIMIT, key=f"test:{{{uuid.uuid4()}}}")


@pytest_asyncio.fixture
async def stores() -> AsyncIterator[list[Store]]:
    """Two gateways' ways to the same Redis."""
    stores = [Store(url=shared_url(), timeout_s=30) for _ in range(2)]
    yield stores
    for store in stores:
        await store.close()


async def admitted(ask: Callable[[int], Awaitable[bool]]) -> int:
    return sum(await asyncio.gather(*[ask(number) for number in range(AT_ONCE)]))


async def test_200_at_once_are_admitted_up_to_the_limit(
    stores: list[Store], asked: Bucket
) -> None:
    begun = time.monotonic()

    async def ask(number: int) -> bool:
        return (await stores[number % 2].take([asked])).is_admitted

    count = await admitted(ask)

    assert LIMIT <= count <= LIMIT + may_have_drained(begun)


async def test_reading_and_writing_one_after_the_other_would_admit_more(
    asked: Bucket,
) -> None:
    """The control: the same arithmetic, but between two commands."""
    clients = [Redis.from_url(shared_url()) for _ in range(2)]
    # Time stands still: nothing drains meanwhile.
    now_ms = time.monotonic_ns() // 1_000_000

    async def ask(number: int) -> bool:
        client = clients[number % 2]
        stored = await client.get(asked.key)
        level = Level(*map(int, stored.split())) if stored else None
        taken = take([asked], [level], now_ms=now_ms)
        await client.set(asked.key, f"{taken.used[0]} {now_ms}")
        return taken.is_admitted

    count = await admitted(ask)
    for client in clients:
        await client.delete(asked.key)
        await client.aclose()

    assert count > LIMIT


async def test_two_limits_admit_the_smaller_number_and_count_alike(
    stores: list[Store], asked: Bucket
) -> None:
    wide = bucket(1000, key=f"{asked.key}:wide")
    begun = time.monotonic()

    async def ask(number: int) -> bool:
        return (await stores[number % 2].take([wide, asked])).is_admitted

    count = await admitted(ask)
    drained = may_have_drained(begun)
    level = (await stores[0].take([bucket(1000, 0, key=wide.key)])).used[0]

    assert LIMIT <= count <= LIMIT + drained
    assert wide.remaining(level) >= 1000 - count


@pytest.mark.processes
def test_two_gateways_admit_no_more_than_one(
    committed_db: None, acme: Organization, provider: rig.Provider, tmp_path: Path
) -> None:
    limit_rate(acme, requests_per_minute=LIMIT)
    with rig.gateway(tmp_path) as one, rig.gateway(tmp_path) as other:
        house = furnish_at(acme, provider, one.url)
        begun = time.monotonic()

        def status(number: int) -> int:
            url = (one, other)[number % 2].url
            return call(url, house.key, BODY).status

        with ThreadPoolExecutor(40) as threads:
            statuses = list(threads.map(status, range(AT_ONCE)))
        drained = may_have_drained(begun)

    assert set(statuses) == {200, 429}
    assert LIMIT <= statuses.count(200) <= LIMIT + drained
    assert len(house.records()) == statuses.count(200)
