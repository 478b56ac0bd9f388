"""
Answers that arrived, and the wait for their settlements.

A gateway answers while it books. A test that looks into the accounts waits here until
each request whose answer it has read, or left, has lost its hold.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any, Protocol

from django.db import connection

DEADLINE_S = 10.0
STILL_HELD = "SELECT count(*) FROM billing_hold WHERE event_id = ANY(%s)"


class Response(Protocol):
    """An answer of httpx."""

    @property
    def headers(self) -> Any: ...

    @property
    def is_closed(self) -> bool: ...


# Of the test that runs: requests that are answered, and answers that may still come.
ANSWERED: set[uuid.UUID] = set()
COMING: list[Response] = []


def note(request_id: str) -> None:
    """Note that the answer to a request was read to its end."""
    if request_id.startswith("req_"):
        ANSWERED.add(uuid.UUID(hex=request_id.removeprefix("req_")))


def watch(response: Response) -> None:
    """Watch an answer that begins: a hook of httpx."""
    COMING.append(response)


async def watch_async(response: Response) -> None:
    watch(response)


def forget() -> None:
    """Wait for nothing any more: what held is gone."""
    ANSWERED.clear()
    COMING.clear()


def wait_until_settled() -> None:
    """Wait until every answered request is settled, or its gateway must be dead."""
    for response in [r for r in COMING if r.is_closed]:
        COMING.remove(response)
        note(response.headers.get("x-request-id", ""))
    ends = time.monotonic() + DEADLINE_S
    while ANSWERED and time.monotonic() < ends:
        with connection.cursor() as cursor:
            cursor.execute(STILL_HELD, [list(ANSWERED)])
            row = cursor.fetchone()
        if row == (0,):
            ANSWERED.clear()
        else:
            time.sleep(0.005)
    ANSWERED.clear()


def settled_first(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
) -> Any:
    """Run a query once what was answered is settled: an execute wrapper of Django."""
    if sql != STILL_HELD and (ANSWERED or COMING):
        wait_until_settled()
    return execute(sql, params, many, context)
