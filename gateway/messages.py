"""HTTP over raw ASGI: requests read within limits, answers with our headers."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    MutableMapping,
)
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.conf import settings

from core.ids import new_event_id
from core.safe_headers import headers_of_every_answer
from gateway import errors, metrics
from gateway.rate_limits.buckets import Admission
from gateway.room import NoRoom, Room

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
Body = bytes | bytearray
T = TypeVar("T")

JSON_TYPE = (b"content-type", b"application/json")
OPENAI_VERSION = (b"openai-version", b"2020-10-01")
ON_EVERY_ANSWER = [
    OPENAI_VERSION,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    *headers_of_every_answer(is_https=settings.IS_HTTPS),
]


class ClientLeft(Exception):
    """The client went away before its request was complete."""


async def in_time(reading: Awaitable[T]) -> T:
    """Return what `reading` brings. Raises `ApiError` (408) if it takes too long."""
    try:
        # A client that sends so slowly holds room that others wait for.
        async with asyncio.timeout(settings.GATEWAY_BODY_TIMEOUT_S):
            return await reading
    except TimeoutError:
        raise errors.too_slow() from None


@dataclass(slots=True)
class Request:
    """A request to `/v1`, and the way to answer it."""

    method: str
    path: str
    headers: dict[bytes, bytes]
    receive: Receive
    send: Send
    # The address that the connection comes from.
    peer: str = ""
    event_id: uuid.UUID = field(default_factory=new_event_id)
    started: float = field(default_factory=time.perf_counter)
    # Of the body as it came, for those who may send it again.
    body_digest: bytes = b""
    # Public id of the organization, once known.
    organization_id: str = ""
    # The model it asks for, once known.
    model: str = ""
    # Set once its end is booked: what it ends in is in its usage record.
    has_record: bool = False
    has_answer_begun: bool = False
    # Ours win over the provider's of the same name.
    added_headers: Headers = field(default_factory=list)
    _at_end: list[Callable[[], None]] = field(default_factory=list)
    # Where it counts against rate limits, and the tokens it used (None: nobody knows).
    admission: Admission | None = None
    tokens_used: int | None = 0

    @classmethod
    def of(cls, scope: Scope, receive: Receive, send: Send) -> Request:
        """Read what ASGI says; a header given twice counts once, the last time."""
        return cls(
            method=scope["method"],
            path=scope["path"],
            headers=dict(scope["headers"]),
            receive=receive,
            send=send,
            peer=(scope.get("client") or ("",))[0],
        )

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1").strip()

    def elapsed_s(self) -> float:
        return time.perf_counter() - self.started

    def elapsed_ms(self) -> int:
        return int(self.elapsed_s() * 1000)

    def at_end(self, act: Callable[[], None]) -> None:
        """Have `act` called when this request is over, whatever becomes of it."""
        self._at_end.append(act)

    def end(self) -> None:
        """Give back what the request took up. To do it twice is the same as once."""
        while self._at_end:
            self._at_end.pop()()

    async def body(self, *, max_bytes: int, room: Room | None = None) -> Body:
        """
        Return the whole body; a large one takes its `room` until the request ends.

        :raises ApiError: if it is longer than `max_bytes` (413), comes too slowly
            (408), or there is no room for it (503).
        """
        self.refuse_if_longer(max_bytes)
        part, is_last = await self._receive_part()
        if is_last:
            if len(part) > max_bytes:
                raise errors.too_large(max_bytes)
            return part
        stated = self.content_length()
        await self.take(room, max_bytes if stated is None else stated)
        return await in_time(self._whole(part, max_bytes))

    async def _whole(self, first: bytes, max_bytes: int) -> bytearray:
        whole = bytearray(first)
        async for part in self.parts(max_bytes=max_bytes, read=len(first)):
            whole += part
        return whole

    async def parts(self, *, max_bytes: int, read: int = 0) -> AsyncIterator[bytes]:
        """
        Yield what comes of the body, `read` bytes of which came before.

        :raises ApiError: if it is longer than `max_bytes` (413).
        """
        is_last = False
        while not is_last:
            part, is_last = await self._receive_part()
            read += len(part)
            if read > max_bytes:
                raise errors.too_large(max_bytes)
            yield part

    async def take(self, room: Room | None, count: int) -> None:
        """Take room until this request ends. Raises `ApiError` (503) without any."""
        if room is None:
            return
        try:
            lease = await room.take(count)
        except NoRoom:
            raise errors.no_room() from None
        self.at_end(lease.end)

    def refuse_if_longer(self, max_bytes: int) -> None:
        """Refuse what says that it is too long, before it is read."""
        if (self.content_length() or 0) > max_bytes:
            raise errors.too_large(max_bytes)

    def content_length(self) -> int | None:
        stated = self.headers.get(b"content-length", b"")
        return int(stated) if stated.isdigit() else None

    async def _receive_part(self) -> tuple[bytes, bool]:
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        return message.get("body", b""), not message.get("more_body", False)

    async def start_answer(
        self, status: int, headers: Iterable[tuple[bytes, bytes]]
    ) -> None:
        """Send status and headers; `x-request-id` and its companions are added."""
        self.has_answer_begun = True
        if self.added_headers:
            ours = {name for name, _ in self.added_headers}
            theirs = [header for header in headers if header[0] not in ours]
            headers = [*theirs, *self.added_headers]
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
        metrics.REFUSALS.labels(error.code or str(error.status)).inc()
        extra = [(k.encode(), v.encode()) for k, v in error.headers.items()]
        await self.answer(error.status, error.body(), [JSON_TYPE, *extra])

    def common_headers(self) -> Headers:
        headers = [
            (b"x-request-id", b"req_" + self.event_id.hex.encode()),
            (b"openai-processing-ms", str(self.elapsed_ms()).encode()),
            *ON_EVERY_ANSWER,
        ]
        if self.organization_id:
            headers.append((b"openai-organization", self.organization_id.encode()))
        return headers
