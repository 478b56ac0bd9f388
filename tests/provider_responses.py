"""The stand-in provider's answers to `/responses`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson

from gateway.messages import Send

JSON = (b"content-type", b"application/json")
SSE = (b"content-type", b"text/event-stream")


async def carry_out(
    orders: dict[str, Any], request: dict[str, Any], usage: Any, send: Send
) -> None:
    """Answer as ordered; {"ends": "failed"} or "incomplete" is how the answer ends."""
    whole = response(request, orders, usage)
    is_streamed = bool(request.get("stream"))
    headers = [SSE if is_streamed else JSON]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if is_streamed:
        for number, document in enumerate(events(orders, whole)):
            await asyncio.sleep(orders.get("pause_s", 0))
            if number == orders.get("drop_after", -1):
                raise ConnectionAbortedError("ordered to drop the stream")
            kind = document["type"].encode()
            body = b"event: " + kind + b"\ndata: " + orjson.dumps(document) + b"\n\n"
            await send({"type": "http.response.body", "body": body, "more_body": True})
    body = b"" if is_streamed else orjson.dumps(whole)
    await send({"type": "http.response.body", "body": body})


def response(
    request: dict[str, Any], orders: dict[str, Any], usage: dict[str, Any]
) -> dict[str, Any]:
    text = {"type": "output_text", "text": "word " * orders.get("output", 5)}
    message = {
        "id": "msg_test",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{**text, "annotations": []}],
    }
    return {
        "id": "resp_test",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": orders.get("ends", "completed"),
        "model": request["model"],
        "output": [message],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": None if orders.get("usage") is False else usage_of(usage, orders),
    }


def usage_of(bill: dict[str, Any], orders: dict[str, Any]) -> dict[str, Any]:
    """Write a bill under the names that responses have."""
    return {
        "input_tokens": bill["prompt_tokens"],
        "input_tokens_details": bill["prompt_tokens_details"],
        "output_tokens": bill["completion_tokens"],
        "output_tokens_details": {"reasoning_tokens": orders.get("reasoning", 0)},
        "total_tokens": bill["total_tokens"],
    }


def events(orders: dict[str, Any], whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    place = {"item_id": "msg_test", "output_index": 0, "content_index": 0}
    yield {"type": "response.created", "response": begun, "sequence_number": 0}
    count = orders.get("output", 5)
    for number in range(1, count + 1):
        words = {**place, "delta": "word ", "sequence_number": number}
        yield {"type": "response.output_text.delta", **words}
    end = {"response": whole, "sequence_number": count + 1}
    yield {"type": f"response.{whole['status']}", **end}
