"""
The application with a watch on its event loop, for `bench.big_bodies`.

`GET /watch` tells the longest pause of the loop since it was last asked.
"""

from __future__ import annotations

import asyncio
import time

import orjson

from config.asgi import application as tokenhouse
from gateway.messages import Receive, Scope, Send

PATH = "/watch"
TICK_S = 0.001


class Watch:
    """
    Ticks, and notes how late a tick ever came.

    On a machine that others use too a tick is also late because they had its core:
    the processor time that the loop itself took meanwhile tells the two apart.
    """

    def __init__(self) -> None:
        self._longest_s = self._busiest_s = 0.0
        self._task: asyncio.Task[None] | None = None

    def read(self) -> dict[str, float]:
        """Return what was longest since the last reading, and begin anew."""
        if self._task is None:
            self._task = asyncio.create_task(self._tick())
        found = {
            "longest_pause_ms": self._longest_s * 1000,
            "longest_work_ms": self._busiest_s * 1000,
        }
        self._longest_s = self._busiest_s = 0.0
        return found

    async def _tick(self) -> None:
        while True:
            before, worked = time.perf_counter(), time.thread_time()
            await asyncio.sleep(TICK_S)
            late_s = time.perf_counter() - before - TICK_S
            self._longest_s = max(self._longest_s, late_s)
            self._busiest_s = max(self._busiest_s, time.thread_time() - worked)


watch = Watch()
HEADERS = [(b"content-type", b"application/json")]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http" or scope["path"] != PATH:
        await tokenhouse(scope, receive, send)
        return
    body = orjson.dumps(watch.read())
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": body})
