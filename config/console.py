"""The console's edge: forms of bounded size go in, headers for browsers come out."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, cast

from django.conf import settings
from django.core.handlers.asgi import ASGIHandler

from config.page_headers import with_page_headers
from gateway.messages import Message, Receive, Scope, Send

REASONS = {413: b"The form is too long.", 415: b"Send the form as it is."}


class TooLong(Exception):
    """A form is longer than `CONSOLE_BODY_MAX_BYTES`."""


class Console:
    """Django behind limits that its own ASGI handler does not know."""

    def __init__(self, django: ASGIHandler) -> None:
        self.django = django

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request of a browser."""
        path = scope["path"]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = with_page_headers(path, message["headers"])
            await send(message)

        refusal = refusal_of(dict(scope["headers"]))
        if refusal is not None:
            await refuse(send_with_headers, refusal)
            return
        try:
            bounded = BoundedReceive(receive)
            await self.django(
                cast("Any", scope), bounded, cast("Any", send_with_headers)
            )
        except TooLong:
            # Raised while the body is read, so nothing is answered yet.
            await refuse(send_with_headers, 413)


class BoundedReceive:
    """Counts a body as it comes: in chunks it does not say how long it is."""

    def __init__(self, receive: Receive) -> None:
        self.receive = receive
        self.read = 0

    async def __call__(self) -> MutableMapping[str, Any]:
        message = await self.receive()
        self.read += len(message.get("body", b""))
        if self.read > settings.CONSOLE_BODY_MAX_BYTES:
            raise TooLong
        return message


def refusal_of(headers: dict[bytes, bytes]) -> int | None:
    """Return the status that refuses a form by its head, if one does."""
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length) > settings.CONSOLE_BODY_MAX_BYTES:
        return 413
    # A few bytes of it could become gigabytes.
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        return 415
    return None


async def refuse(send: Send, status: int) -> None:
    """Answer without Django. What the client still sends is not read."""
    text = REASONS[status]
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
