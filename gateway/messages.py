"""HTTP over raw ASGI: requests read within a limit, answers with our headers."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from core.ids import new_event_id
from gateway import errors

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

JSON_TYPE = (b"content-type", b"application/json")
OPENAI_VERSION = (b"openai-version", b"2020-10-01")


class ClientLeft(Exception):
    """The client went away before its request was complete."""


@dataclass(slots=True)
class Request:
    """A request to `/v1`, and the way to answer it."""

    method: str
    path: str
    headers: dict[bytes, bytes]
    receive: Receive
    send: Send
    event_id: uuid.UUID = field(default_factory=new_event_id)
    started: float = field(default_factory=time.perf_counter)
    # Public id of the organization, once known.
    organization_id: str = ""
    has_answer_begun: bool = False

    @classmethod
    def of(cls, scope: Scope, receive: Receive, send: Send) -> Request:
        """Read what ASGI says; a header given twice counts once, the last time."""
        return cls(
            method=scope["method"],
            path=scope["path"],
            headers=dict(scope["headers"]),
            receive=receive,
            send=send,
        )

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1").strip()

    def elapsed_ms(self) -> int:
        return int((time.perf_counter() - self.started) * 1000)

    async def body(self, *, max_bytes: int) -> bytes:
        """
        Return the whole body.

        :raises ApiError: if it is longer than `max_bytes` (413).
        """
        parts, length = [], 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            part = message.get("body", b"")
            length += len(part)
            if length > max_bytes:
                raise errors.too_large(max_bytes)
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts) if len(parts) > 1 else part

    async def start_answer(
        self, status: int, headers: Iterable[tuple[bytes, bytes]]
    ) -> None:
        """Send status and headers; `x-request-id` and its companions are added."""
        self.has_answer_begun = True
        await self.send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*headers, *self.common_headers()],
            }
        )

    async def send_part(self, part: bytes, *, is_last: bool) -> None:
        await self.send(
            {"type": "http.response.body", "body": part, "more_body": not is_last}
        )

    async def answer(
        self, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]]
    ) -> None:
        """Send a complete answer."""
        length = (b"content-length", str(len(body)).encode())
        await self.start_answer(status, [*headers, length])
        await self.send_part(body, is_last=True)

    async def answer_error(self, error: errors.ApiError) -> None:
        extra = [(k.encode(), v.encode()) for k, v in error.headers.items()]
        await self.answer(error.status, error.body(), [JSON_TYPE, *extra])

    def common_headers(self) -> Headers:
        headers = [
            (b"x-request-id", b"req_" + self.event_id.hex.encode()),
            (b"openai-processing-ms", str(self.elapsed_ms()).encode()),
            OPENAI_VERSION,
        ]
        if self.organization_id:
            headers.append((b"openai-organization", self.organization_id.encode()))
        return headers
