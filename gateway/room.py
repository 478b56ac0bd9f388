"""Room for what requests bring: memory or disk that all of them share."""

from __future__ import annotations

import asyncio
from collections import deque

# A client that waits longer is better told to come again.
WAIT_MAX_S = 10.0
# Each of those who wait has sent the beginning of its body already.
WAITING_MAX = 1000


class NoRoom(Exception):
    """Others take up all the room there is, and go on doing so."""


class Room:
    """
    So many bytes, taken and given back.

    Who finds too few waits; the first to come is the first to be served, so that
    nobody large is passed over for ever.
    """

    def __init__(
        self,
        max_bytes: int,
        *,
        wait_max_s: float = WAIT_MAX_S,
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self.max_bytes = max_bytes
        self.wait_max_s = wait_max_s
        self.waiting_max = waiting_max
        self.free_bytes = max_bytes
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, count: int) -> Lease:
        """
        Take so many bytes, or all there are if more are asked for.

        :raises NoRoom: if they do not become free in time, or many wait already.
        """
        count = min(count, self.max_bytes)
        if self._waiting or count > self.free_bytes:
            await self._wait_for(count)
        else:
            self.free_bytes -= count
        return Lease(self, count)

    def give_back(self, count: int) -> None:
        self.free_bytes += count
        self._serve_waiting()

    async def _wait_for(self, count: int) -> None:
        if len(self._waiting) >= self.waiting_max:
            raise NoRoom
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (count, turn)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(self.wait_max_s):
                await turn
        except BaseException as error:
            self._leave(entry)
            if isinstance(error, TimeoutError):
                raise NoRoom from None
            raise

    def _leave(self, entry: tuple[int, asyncio.Future[None]]) -> None:
        """Forget one that waited in vain; what it was just given goes back."""
        count, turn = entry
        if entry in self._waiting:
            self._waiting.remove(entry)
            self._serve_waiting()
        elif turn.done() and not turn.cancelled():
            self.give_back(count)

    def _serve_waiting(self) -> None:
        while self._waiting and self._waiting[0][0] <= self.free_bytes:
            count, turn = self._waiting.popleft()
            if not turn.done():
                self.free_bytes -= count
                turn.set_result(None)


class Lease:
    """Room that one request has. To end it twice is the same as once."""

    def __init__(self, room: Room, count: int) -> None:
        self._room = room
        self._count = count

    def end(self) -> None:
        count, self._count = self._count, 0
        if count:
            self._room.give_back(count)
