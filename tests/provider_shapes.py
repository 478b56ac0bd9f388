"""
The stand-in provider's answers of other shapes than plain words.

Ordered by {"shape": "tools"} for two calls of tools, {"shape": "text", "says": "…"} for
just that text (structured output, say), {"shape": "refusal", "says": "…"}. Each is
streamed in pieces if the request asks for a stream, as OpenAI streams it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from gateway.messages import Send
from tests import provider_shapes_responses

JSON = (b"content-type", b"application/json")
SSE = (b"content-type", b"text/event-stream")
CALLS = (("weather", '{"city": "Oslo"}'), ("clock", '{"zone": "Europe/Oslo"}'))
PIECE = 5


async def carry_out(
    orders: dict[str, Any], request: dict[str, Any], usage: Any, send: Send
) -> None:
    """Answer a chat or a request for a response in the shape that was ordered."""
    if "input" in request:
        frames, whole = provider_shapes_responses.answer(orders, request, usage)
    else:
        frames, whole = answer(orders, request, usage)
    is_streamed = bool(request.get("stream"))
    headers = [SSE if is_streamed else JSON]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if is_streamed:
        for frame in frames:
            await send({"type": "http.response.body", "body": frame, "more_body": True})
    body = b"" if is_streamed else orjson.dumps(whole)
    await send({"type": "http.response.body", "body": body})


def answer(
    orders: dict[str, Any], request: dict[str, Any], usage: Any
) -> tuple[Iterator[bytes], dict[str, Any]]:
    """Return a chat's answer as a stream's events, and in one piece."""
    frame = {
        "id": "chatcmpl-shape",
        "created": 1_700_000_000,
        "model": request["model"],
    }
    message = message_of(orders)
    reason = "tool_calls" if message.get("tool_calls") else "stop"
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
    whole = {**frame, "object": "chat.completion", "choices": [choice], "usage": usage}
    wants_usage = (request.get("stream_options") or {}).get("include_usage")
    return chunks(frame, message, reason, usage if wants_usage else None), whole


def message_of(orders: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    match orders["shape"]:
        case "tools":
            calls = [tool_call(number) for number in range(len(CALLS))]
            return {**message, "tool_calls": calls}
        case "refusal":
            return {**message, "refusal": orders["says"]}
        case _:
            return {**message, "content": orders["says"]}


def tool_call(number: int) -> dict[str, Any]:
    name, arguments = CALLS[number]
    function = {"name": name, "arguments": arguments}
    return {"id": f"call_{number}", "type": "function", "function": function}


def chunks(
    frame: dict[str, Any], message: dict[str, Any], reason: str, usage: Any
) -> Iterator[bytes]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return event({**frame, **kind, "choices": [choice]})

    kind = {"object": "chat.completion.chunk"}
    yield chunk({"role": "assistant", "content": None, "refusal": None})
    for name in ("content", "refusal"):
        yield from (chunk({name: piece}) for piece in pieces(message[name] or ""))
    for number, call in enumerate(message.get("tool_calls", [])):
        function = {**call["function"], "arguments": ""}
        start = {"index": number, **call, "function": function}
        yield chunk({"tool_calls": [start]})
        for piece in pieces(call["function"]["arguments"]):
            more = {"index": number, "function": {"arguments": piece}}
            yield chunk({"tool_calls": [more]})
    yield chunk({}, reason)
    if usage is not None:
        yield event({**frame, **kind, "choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), PIECE):
        yield text[start : start + PIECE]


def event(document: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(document) + b"\n\n"
