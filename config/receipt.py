"""
How a request is taken in: whole within a deadline, of bounded size, and unambiguous.

    uvicorn config.asgi:application --http config.receipt:CarefulHttp

Uvicorn waits for the rest of a request for ever, and takes a head of any length.
"""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache
from typing import Any

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from core.safe_headers import headers_of_every_answer

HEAD_MAX_BYTES = 32 * 1024
HEADERS_MAX = 100
URL_MAX_BYTES = 8 * 1024
# Given twice, a proxy in front may have read the other one.
ONCE_ONLY = frozenset(
    {
        *(b"host", b"authorization", b"content-length", b"content-type"),
        *(b"content-encoding", b"transfer-encoding", b"origin"),
        *(b"idempotency-key", b"openai-organization"),
    }
)
HOST = re.compile(rb"(?:[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
REASONS = {
    400: "Bad Request",
    408: "Request Timeout",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
}


class NotTaken(Exception):
    """A head that is refused; `status` says how."""

    def __init__(self, status: int) -> None:
        super().__init__(REASONS[status])
        self.status = status


class CarefulHttp(HttpToolsProtocol):
    """Cuts off who takes too long, and refuses a head that is too long or unclear."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.deadline: asyncio.TimerHandle | None = None
        # Before its first byte a request is awaited already.
        self.is_receiving = True
        self.is_head = True
        self.head_bytes = 0
        self.refusal = 400

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.await_rest()

    def connection_lost(self, exc: Exception | None) -> None:
        self.stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.is_receiving or self.transport.is_closing():
            return
        if self.deadline is None:
            self.await_rest()
        if self.is_head:
            self.head_bytes += len(data)
            if self.head_bytes > HEAD_MAX_BYTES:
                self.refuse(431)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.is_receiving = self.is_head = True
        self.head_bytes = 0

    def on_headers_complete(self) -> None:
        self.check_head()
        super().on_headers_complete()
        self.is_head = False
        # The body has a time of its own.
        self.stop_waiting()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.is_receiving = False
        self.stop_waiting()

    def check_head(self) -> None:
        """Raise `NotTaken` if the head is too long, or can be read in two ways."""
        headers = self.headers
        try:
            if len(self.url) > URL_MAX_BYTES:
                raise NotTaken(414)
            if len(headers) > HEADERS_MAX or size_of(headers) > HEAD_MAX_BYTES:
                raise NotTaken(431)
            if not is_unambiguous(headers, self.parser.get_http_version()):
                raise NotTaken(400)
        except NotTaken as refused:
            self.refusal = refused.status
            raise

    def await_rest(self) -> None:
        """Give the rest of the head, or of the body, its time."""
        is_upload = not self.is_head and is_api(self.scope["path"])
        timeout_s = (
            settings.GATEWAY_BODY_TIMEOUT_S
            if is_upload
            else settings.REQUEST_RECEIPT_TIMEOUT_S
        )
        self.deadline = self.loop.call_later(timeout_s, self.give_up)

    def stop_waiting(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def give_up(self) -> None:
        """End a connection whose request did not come in time."""
        self.deadline = None
        is_silent = self.is_head and self.head_bytes == 0
        if self.transport.is_closing():
            return
        if is_silent or self.is_answering():
            self.transport.close()
        else:
            self.refuse(408)

    def is_answering(self) -> bool:
        """Say whether part of an answer is out, which a refusal would garble."""
        cycle = self.cycle
        return cycle is not None and (
            cycle.response_started and (not cycle.response_complete or not self.is_head)
        )

    def send_400_response(self, msg: str) -> None:
        self.refuse(self.refusal)

    def refuse(self, status: int) -> None:
        """Answer in plain text, without the application, and hang up."""
        self.stop_waiting()
        text = f"{REASONS[status]}\n".encode()
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(text)).encode()),
            (b"cache-control", b"no-store"),
            (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
            *headers_of_every_answer(is_https=settings.IS_HTTPS),
            (b"connection", b"close"),
        ]
        lines = [b": ".join(header) for header in headers]
        line = f"HTTP/1.1 {status} {REASONS[status]}".encode()
        self.transport.write(b"\r\n".join([line, *lines, b"", text]))
        self.transport.close()


def is_api(path: str) -> bool:
    return path == "/v1" or path.startswith("/v1/")


def size_of(headers: list[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) for name, value in headers)


def is_unambiguous(headers: list[tuple[bytes, bytes]], http_version: str) -> bool:
    """Say whether a head names one host, and nothing twice that is read once."""
    names = [name for name, _ in headers]
    if len(set(names)) < len(names) and any(
        names.count(name) > 1 for name in ONCE_ONLY
    ):
        return False
    hosts = [value for name, value in headers if name == b"host"]
    return all(map(is_host, hosts)) and (bool(hosts) or http_version == "1.0")


@lru_cache(maxsize=256)
def is_host(text: bytes) -> bool:
    return HOST.fullmatch(text) is not None
