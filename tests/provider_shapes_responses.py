"""The stand-in provider's responses of other shapes than plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from tests.provider_responses import usage_of

PIECE = 5
REASONING = {"id": "rs_test", "type": "reasoning", "summary": []}
# Name and fields of each event.
Steps = Iterator[tuple[str, dict[str, Any]]]


def answer(
    orders: dict[str, Any], request: dict[str, Any], usage: Any
) -> tuple[Iterator[bytes], dict[str, Any]]:
    """Return a response as a stream's events, and in one piece: it thinks first."""
    whole = {
        "id": "resp_shape",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": request["model"],
        "output": [REASONING, item_of(orders, "completed")],
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": "auto",
        "tools": request.get("tools") or [],
        "top_p": None,
        "usage": usage_of(usage, orders),
    }
    return numbered(steps(orders, whole)), whole


def item_of(orders: dict[str, Any], status: str) -> dict[str, Any]:
    if orders["shape"] == "tools":
        call = {"name": "weather", "arguments": '{"city": "Oslo"}'}
        place = {"id": "fc_test", "type": "function_call", "call_id": "call_0"}
        return {**place, "status": status, **call}
    content = [part_of(orders)] if status == "completed" else []
    place = {"id": "msg_test", "type": "message", "role": "assistant"}
    return {**place, "status": status, "content": content}


def part_of(orders: dict[str, Any]) -> dict[str, Any]:
    if orders["shape"] == "refusal":
        return {"type": "refusal", "refusal": orders["says"]}
    text = {"type": "output_text", "text": orders["says"]}
    return {**text, "annotations": [], "logprobs": []}


def steps(orders: dict[str, Any], whole: dict[str, Any]) -> Steps:
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    yield "response.created", {"response": begun}
    yield "response.in_progress", {"response": begun}
    thought = {"output_index": 0, "item": REASONING}
    yield "response.output_item.added", thought
    yield "response.output_item.done", thought
    item, start = item_of(orders, "completed"), item_of(orders, "in_progress")
    if orders["shape"] == "tools":
        start["arguments"] = ""
    yield "response.output_item.added", {"output_index": 1, "item": start}
    place = {"output_index": 1, "item_id": item["id"]}
    of_item = arguments if orders["shape"] == "tools" else content
    yield from of_item(item, place)
    yield "response.output_item.done", {"output_index": 1, "item": item}
    yield "response.completed", {"response": whole}


def arguments(item: dict[str, Any], place: dict[str, Any]) -> Steps:
    kind, text = "response.function_call_arguments", item["arguments"]
    for piece in pieces(text):
        yield f"{kind}.delta", {**place, "delta": piece}
    yield f"{kind}.done", {**place, "name": item["name"], "arguments": text}


def content(item: dict[str, Any], place: dict[str, Any]) -> Steps:
    (part,) = item["content"]
    name = "refusal" if part["type"] == "refusal" else "text"
    kind = "response.refusal" if name == "refusal" else "response.output_text"
    place = {**place, "content_index": 0}
    odds: dict[str, Any] = {} if name == "refusal" else {"logprobs": []}
    yield "response.content_part.added", {**place, "part": {**part, name: ""}}
    for piece in pieces(part[name]):
        yield f"{kind}.delta", {**place, "delta": piece, **odds}
    yield f"{kind}.done", {**place, name: part[name], **odds}
    yield "response.content_part.done", {**place, "part": part}


def pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), PIECE):
        yield text[start : start + PIECE]


def numbered(all_steps: Steps) -> Iterator[bytes]:
    for number, (kind, fields) in enumerate(all_steps):
        document = {"type": kind, "sequence_number": number, **fields}
        body = b"data: " + orjson.dumps(document) + b"\n\n"
        yield b"event: " + kind.encode() + b"\n" + body
