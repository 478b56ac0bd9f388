"""The sandbox's responses."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway import tokens
from gateway.sandbox.texts import (
    Choice,
    Events,
    choose,
    new_id,
    new_instant,
    seed_of,
    texts_of,
)


@dataclass(slots=True)
class Response:
    """What the sandbox says to a request for a response, and what it counts."""

    body: dict[str, Any]
    text: Choice
    input_tokens: int
    id: str = field(default_factory=lambda: new_id("resp_"))
    message_id: str = field(default_factory=lambda: new_id("msg_"))
    created: int = field(default_factory=new_instant)

    @property
    def output_tokens(self) -> int:
        return len(self.text.pieces)

    @property
    def is_cut(self) -> bool:
        return self.text.finish_reason == "length"

    @property
    def status(self) -> str:
        return "incomplete" if self.is_cut else "completed"

    def as_object(self) -> dict[str, Any]:
        cut = {"reason": "max_output_tokens"} if self.is_cut else None
        return {
            **self.frame(self.status, [self.message(self.status, [self.part()])]),
            "incomplete_details": cut,
            "usage": self.usage(),
        }

    def frame(self, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": self.body.get("instructions"),
            "max_output_tokens": self.body.get("max_output_tokens"),
            "model": self.body["model"],
            "output": output,
            "parallel_tool_calls": True,
            "tool_choice": self.body.get("tool_choice") or "auto",
            "tools": self.body.get("tools") or [],
            "temperature": self.body.get("temperature"),
            "top_p": self.body.get("top_p"),
            "metadata": self.body.get("metadata") or {},
            "usage": None,
        }

    def message(self, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.message_id,
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": content,
        }

    def part(self) -> dict[str, Any]:
        text = "".join(self.text.pieces)
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}

    def usage(self) -> dict[str, Any]:
        return {
            "input_tokens": self.input_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": self.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": self.input_tokens + self.output_tokens,
        }

    def events(self, pace_s: float) -> Events:
        """Yield a token each, with the pause before each; every event is numbered."""
        for number, (pause_s, kind, fields) in enumerate(self.steps(pace_s)):
            event = {"type": kind, "sequence_number": number, **fields}
            data = b"data: " + orjson.dumps(event)
            yield pause_s, b"event: " + kind.encode() + b"\n" + data + b"\n\n"

    def steps(self, pace_s: float) -> Iterator[tuple[float, str, dict[str, Any]]]:
        begun = {"response": self.frame("in_progress", [])}
        item: dict[str, Any] = {"output_index": 0}
        place = {**item, "item_id": self.message_id, "content_index": 0}
        part, empty = self.part(), {**self.part(), "text": ""}
        start, end = self.message("in_progress", []), self.message(self.status, [part])
        yield 0.0, "response.created", begun
        yield 0.0, "response.in_progress", begun
        yield 0.0, "response.output_item.added", {**item, "item": start}
        yield 0.0, "response.content_part.added", {**place, "part": empty}
        for piece in self.text.pieces:
            delta = {**place, "delta": piece, "logprobs": []}
            yield pace_s, "response.output_text.delta", delta
        whole = {**place, "text": part["text"], "logprobs": []}
        yield 0.0, "response.output_text.done", whole
        yield 0.0, "response.content_part.done", {**place, "part": part}
        yield 0.0, "response.output_item.done", {**item, "item": end}
        yield 0.0, f"response.{self.status}", {"response": self.as_object()}


def respond(body: dict[str, Any]) -> Response:
    """Return the response to a request: the same for the same request."""
    model, asked = body["model"], [body.get("instructions"), body.get("input")]
    source = random.Random(seed_of(model, *asked))
    text = choose(model, source, body.get("max_output_tokens"))
    return Response(body=body, text=text, input_tokens=count_input(model, asked))


def count_input(model: str, asked: list[Any]) -> int:
    """Count as in a conversation: three tokens an item, three for the reply."""
    items = sum(len(value) if isinstance(value, list) else 1 for value in asked)
    return 3 + 3 * items + sum(tokens.count(model, text) for text in texts_of(asked))
