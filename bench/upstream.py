"""A provider that answers at once: the floor against which forwarding is measured."""

from __future__ import annotations

import asyncio

import orjson

from gateway.messages import Receive, Scope, Send

USAGE = {"prompt_tokens": 20, "completion_tokens": 12, "total_tokens": 32}
CHOICE = {
    "index": 0,
    "message": {"role": "assistant", "content": "A short answer. " * 12},
    "finish_reason": "stop",
}
BODY = orjson.dumps(
    {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "gpt-4o-mini",
        "choices": [CHOICE],
        "usage": USAGE,
    }
)
CHUNKS = 40
# A request that says so is streamed for 20 seconds, as long answers are.
SLOW, SLOW_PAUSE_S = b'"user":"slow"', 0.5
JSON = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(BODY)).encode()),
]
SSE = [(b"content-type", b"text/event-stream")]


def chunk(content: str | None) -> bytes:
    choices = [{"index": 0, "delta": {"content": content}}] if content else []
    document = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "gpt-4o-mini",
        "choices": choices,
        "usage": None if content else USAGE,
    }
    return b"data: " + orjson.dumps(document) + b"\n\n"


WORD, LAST = chunk("word "), chunk(None) + b"data: [DONE]\n\n"


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a fixed completion, streamed if the body asks for it."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    if b'"stream":true' in body:
        await stream(send, pause_s=SLOW_PAUSE_S if SLOW in body else 0)
        return
    await send({"type": "http.response.start", "status": 200, "headers": JSON})
    await send({"type": "http.response.body", "body": BODY})


async def stream(send: Send, *, pause_s: float) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": SSE})
    for _ in range(CHUNKS):
        await send({"type": "http.response.body", "body": WORD, "more_body": True})
        await asyncio.sleep(pause_s)
    await send({"type": "http.response.body", "body": LAST})
