"""
How the stand-in provider misbehaves, when ordered to: {"fault": "hangs"}.

Each fault says what the provider charges for it and whether it tells: the books must
be equal to the nano-dollar where it told, and an estimate at the bound otherwise.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.messages import Send

Orders = dict[str, Any]
Answer = Callable[[Orders, dict[str, Any], dict[str, Any], Send], Awaitable[None]]

JSON = (b"content-type", b"application/json")
SSE = (b"content-type", b"text/event-stream")
GZIP = (b"content-encoding", b"gzip")
FOREVER_S = 3600.0
FRAME = {"id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1}
ERROR = {"error": {"message": "no", "type": "server_error", "code": "their_own"}}
DONE = b"data: [DONE]\n\n"
# More than the gateway keeps of one event.
ENDLESS_BYTES = 17 * 1024 * 1024
DRIP_BYTES = 40
DRIP_PAUSE_S = 0.01
GZIP_WINDOW = 31


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to misbehave, and its truth."""

    carry_out: Answer
    # Whether the gateway can know what it cost; of what is not streamed, if it differs.
    is_told: bool
    is_billed: bool = True
    is_told_whole: bool | None = None


async def begin(send: Send, status: int, *headers: tuple[bytes, bytes]) -> None:
    start = {"type": "http.response.start", "status": status, "headers": [*headers]}
    await send(start)


async def part(send: Send, body: bytes, *, is_last: bool = False) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": not is_last})


async def whole(send: Send, status: int, body: bytes) -> None:
    await begin(send, status, JSON)
    await part(send, body, is_last=True)


def event(document: object) -> bytes:
    return b"data: " + orjson.dumps(document) + b"\n\n"


def chunk(text: str, **more: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return event({**FRAME, "choices": [choice], **more})


def usage_chunk(usage: object) -> bytes:
    return event({**FRAME, "choices": [], "usage": usage})


def completion(usage: object) -> bytes:
    message = {"role": "assistant", "content": "word"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    document = {"id": "chatcmpl-test", "object": "chat.completion", "created": 1}
    return orjson.dumps({**document, "choices": [choice], "usage": usage})


def refuses(status: int) -> Answer:
    async def carry_out(
        orders: Orders, request: dict[str, Any], usage: dict[str, Any], send: Send
    ) -> None:
        await whole(send, status, orjson.dumps(ERROR))

    return carry_out


async def fails_with_usage(
    orders: Orders, request: dict[str, Any], usage: dict[str, Any], send: Send
) -> None:
    await whole(send, 500, orjson.dumps({**ERROR, "usage": usage}))


async def hangs(
    orders: Orders, request: dict[str, Any], usage: dict[str, Any], send: Send
) -> None:
    await asyncio.sleep(FOREVER_S)


async def hangs_midway(
    orders: Orders, request: dict[str, Any], usage: dict[str, Any], send: Send
) -> None:
    await begin(send, 200, SSE if request.get("stream") else JSON)
    await part(send, chunk("word ") if request.get("stream") else b'{"id": "chat')
    await asyncio.sleep(FOREVER_S)


async def drops_midway(
    orders: Orders, request: dict[str, Any], usage: dict[str, Any], send: Send
) -> None:
    await begin(send, 200, SSE if request.get("stream") else JSON)
    await part(send, chunk("word ") if request.get("stream") else b'{"id": "chat')
    raise ConnectionAbortedError("ordered to drop the answer")


def sends(
    of_stream: Callable[[dict[str, Any]], Iterator[bytes]],
    of_answer: Callable[[dict[str, Any]], bytes],
) -> Answer:
    """Return a misbehavior that is all in what is sent."""

    async def carry_out(
        orders: Orders, request: dict[str, Any], usage: dict[str, Any], send: Send
    ) -> None:
        if not request.get("stream"):
            await whole(send, 200, of_answer(usage))
            return
        await begin(send, 200, SSE)
        for body in of_stream(usage):
            await part(send, body)
        await part(send, b"", is_last=True)

    return carry_out


def with_usage(change: Callable[[dict[str, Any]], object]) -> Answer:
    """Return a misbehavior that is all in the usage that is reported."""
    return sends(
        lambda usage: iter([chunk("word "), usage_chunk(change(usage)), DONE]),
        lambda usage: completion(change(usage)),
    )


def garbled_stream(usage: dict[str, Any]) -> Iterator[bytes]:
    yield chunk("word ")
    yield b'data: {"choices": [{"delta": {"content": "wo\n\n'
    yield b": a comment\n\nevent: unheard-of\nid: 7\n\ndata:\n\n\n\n"
    yield b'data: \xff\xfe\x00 "usage"\n\ndata: [1, 2]\n\ndata: null\n\n'
    yield usage_chunk(usage) + DONE


def usage_reported_twice(usage: dict[str, Any]) -> Iterator[bytes]:
    first = {**usage, "completion_tokens": usage["completion_tokens"] // 2}
    yield chunk("word ", usage=first)
    yield usage_chunk(first)
    yield usage_chunk(usage) + DONE


async def drops_after_interim_usage(
    orders: Orders, request: dict[str, Any], usage: dict[str, Any], send: Send
) -> None:
    """Report usage with each chunk, as some servers do, and break off half-way."""
    await begin(send, 200, SSE if request.get("stream") else JSON)
    half = {**usage, "completion_tokens": usage["completion_tokens"] // 2}
    await part(send, chunk("word ", usage=half))
    raise ConnectionAbortedError("ordered to drop the stream")


def error_in_stream(usage: dict[str, Any]) -> Iterator[bytes]:
    yield chunk("word ")
    yield event(ERROR)


async def other_shape(
    orders: Orders, request: dict[str, Any], usage: dict[str, Any], send: Send
) -> None:
    """Answer a stream's request in one piece, and the other way round."""
    if request.get("stream"):
        await whole(send, 200, completion(usage))
        return
    await begin(send, 200, SSE)
    await part(send, chunk("word ") + usage_chunk(usage) + DONE, is_last=True)


async def compressed(
    orders: Orders, request: dict[str, Any], usage: dict[str, Any], send: Send
) -> None:
    """Compress the answer, though the gateway asked for it as it is."""
    is_streamed = bool(request.get("stream"))
    body = chunk("word ") + usage_chunk(usage) + DONE
    squeezer = zlib.compressobj(wbits=GZIP_WINDOW)
    plain = body if is_streamed else completion(usage)
    await begin(send, 200, SSE if is_streamed else JSON, GZIP)
    await part(send, squeezer.compress(plain) + squeezer.flush(), is_last=True)


async def drips(
    orders: Orders, request: dict[str, Any], usage: dict[str, Any], send: Send
) -> None:
    """Send a few bytes at a time, events cut anywhere."""
    is_streamed = bool(request.get("stream"))
    words = b"".join(chunk("wörd ") for _ in range(10))
    body = words + usage_chunk(usage) + DONE if is_streamed else completion(usage)
    await begin(send, 200, SSE if is_streamed else JSON)
    for start in range(0, len(body), DRIP_BYTES):
        await asyncio.sleep(DRIP_PAUSE_S)
        await part(send, body[start : start + DRIP_BYTES])
    await part(send, b"", is_last=True)


async def never_ends_an_event(
    orders: Orders, request: dict[str, Any], usage: dict[str, Any], send: Send
) -> None:
    await begin(send, 200, SSE)
    sent = 0
    while sent < ENDLESS_BYTES:
        await part(send, b"data: " + b"x" * 1_000_000)
        sent += 1_000_000
    await asyncio.sleep(FOREVER_S)


def no_usage(usage: dict[str, Any]) -> Iterator[bytes]:
    yield chunk("word ") + DONE


FAULTS: dict[str, Fault] = {
    "refuses_429": Fault(refuses(429), is_told=True, is_billed=False),
    "refuses_500": Fault(refuses(500), is_told=True, is_billed=False),
    "refuses_503": Fault(refuses(503), is_told=True, is_billed=False),
    "fails_with_usage": Fault(fails_with_usage, is_told=True),
    "gives_up_waiting_504": Fault(refuses(504), is_told=False),
    "hangs": Fault(hangs, is_told=False),
    "hangs_midway": Fault(hangs_midway, is_told=False),
    "drops_midway": Fault(drops_midway, is_told=False),
    "drips": Fault(drips, is_told=True),
    "malformed": Fault(
        sends(lambda _: iter([b"<html>\n\n" * 3]), lambda _: b'{"usage": {'),
        is_told=False,
    ),
    "garbled_events": Fault(sends(garbled_stream, completion), is_told=True),
    "no_usage": Fault(sends(no_usage, lambda _: completion(None)), is_told=False),
    "usage_twice": Fault(sends(usage_reported_twice, completion), is_told=True),
    "drops_after_interim_usage": Fault(drops_after_interim_usage, is_told=False),
    "usage_in_words": Fault(
        with_usage(lambda usage: {**usage, "prompt_tokens": "many"}), is_told=False
    ),
    "usage_negative": Fault(
        with_usage(lambda usage: {**usage, "completion_tokens": -5}), is_told=False
    ),
    "total_is_wrong": Fault(
        with_usage(lambda usage: {**usage, "total_tokens": 1}), is_told=True
    ),
    "error_in_stream": Fault(
        sends(error_in_stream, lambda _: orjson.dumps(ERROR)), is_told=False
    ),
    "other_shape": Fault(other_shape, is_told=True, is_told_whole=False),
    "compressed": Fault(compressed, is_told=True),
    "never_ends_an_event": Fault(never_ends_an_event, is_told=False),
}


async def carry_out(
    orders: Orders, request: dict[str, Any], usage: dict[str, Any], send: Send
) -> None:
    await FAULTS[orders["fault"]].carry_out(orders, request, usage, send)


def truth_of(orders: Orders, *, is_streamed: bool) -> dict[str, Any]:
    """Return what the provider writes down about how it behaves."""
    name = orders.get("fault")
    if name is None:
        return {"fault": "", "told": True}
    fault = FAULTS[name]
    is_told = fault.is_told
    if not is_streamed and fault.is_told_whole is not None:
        is_told = fault.is_told_whole
    return {"fault": name, "told": is_told}


def is_billed(orders: Orders) -> bool:
    """Say whether the provider charges for what it was ordered to do."""
    name = orders.get("fault")
    return orders.get("status") is None if name is None else FAULTS[name].is_billed
