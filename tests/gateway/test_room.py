"""Room for large bodies is shared: whoever finds too little waits for their turn."""

from __future__ import annotations

import asyncio

import pytest

from gateway.room import NoRoom, Room


async def test_what_fits_is_taken_at_once_and_given_back_once() -> None:
    room = Room(100)
    lease = await room.take(60)
    assert room.free_bytes == 40

    lease.end()
    lease.end()

    assert room.free_bytes == 100


async def test_the_first_to_come_is_served_first_though_a_later_one_would_fit() -> None:
    room = Room(100)
    first = await room.take(80)
    large = asyncio.create_task(room.take(90))
    await asyncio.sleep(0)
    small = asyncio.create_task(room.take(10))
    await asyncio.sleep(0)
    assert not small.done()

    first.end()
    await large
    await small

    assert room.free_bytes == 0


async def test_more_than_all_the_room_is_all_the_room() -> None:
    room = Room(100)

    lease = await room.take(1_000)

    assert room.free_bytes == 0
    lease.end()
    assert room.free_bytes == 100


async def test_who_waits_in_vain_is_told_and_leaves_the_room_as_it_was() -> None:
    room = Room(100, wait_max_s=0.01)
    lease = await room.take(100)

    with pytest.raises(NoRoom):
        await room.take(1)

    lease.end()
    assert room.free_bytes == 100


async def test_who_leaves_while_waiting_gives_way_to_the_next() -> None:
    room = Room(100)
    lease = await room.take(50)
    large = asyncio.create_task(room.take(100))
    await asyncio.sleep(0)
    small = asyncio.create_task(room.take(50))
    await asyncio.sleep(0)

    large.cancel()
    await small

    lease.end()
    assert room.free_bytes == 50


async def test_who_is_served_and_leaves_at_once_gives_it_back() -> None:
    room = Room(100)
    lease = await room.take(100)
    waiting = asyncio.create_task(room.take(100))
    await asyncio.sleep(0)

    lease.end()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert room.free_bytes == 100


async def test_beyond_so_many_that_wait_one_is_told_at_once() -> None:
    room = Room(100, waiting_max=2)
    lease = await room.take(100)
    waiting = [asyncio.create_task(room.take(10)) for _ in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(NoRoom):
        await room.take(10)

    lease.end()
    await asyncio.gather(*waiting)
    assert room.free_bytes == 80
