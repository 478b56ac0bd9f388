"""How a gateway reads what it keeps in memory, without a gateway around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.directory import Directory

pytestmark = pytest.mark.processes


@pytest.fixture
async def directory(committed_db: None) -> AsyncIterator[Directory]:
    directory = Directory()
    await directory.open()
    await until(lambda: directory.is_listening)
    yield directory
    await directory.close()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110 - nothing else says so
            await asyncio.sleep(0.01)


async def test_what_many_ask_for_at_once_is_read_once(directory: Directory) -> None:
    asked = (directory._kept("a thing", object) for _ in range(20))

    assert len(set(await asyncio.gather(*asked))) == 1


async def test_one_that_leaves_takes_nothing_from_the_others(
    directory: Directory,
) -> None:
    leaving = asyncio.create_task(directory._kept("a thing", object))
    staying = asyncio.create_task(directory._kept("a thing", object))
    await asyncio.sleep(0)
    leaving.cancel()

    assert await staying is directory.kept("a thing")


async def test_a_reading_from_before_a_change_is_not_shared_after_it(
    directory: Directory,
) -> None:
    before = asyncio.create_task(directory._kept("a thing", object))
    await asyncio.sleep(0)
    directory._forget()

    after = await directory._kept("a thing", object)

    assert after is not await before
    assert directory.kept("a thing") is after
