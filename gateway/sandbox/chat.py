"""The sandbox's conversations."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from gateway import tokens
from gateway.sandbox.texts import (
    Choice,
    Events,
    as_event,
    choose,
    new_id,
    new_instant,
    seed_of,
    texts_of,
)


@dataclass(slots=True)
class Completion:
    """What the sandbox says to a chat request, and what it counts."""

    model: str
    choices: list[Choice]
    input_tokens: int
    wants_usage: bool
    id: str = field(default_factory=lambda: new_id("chatcmpl-"))
    created: int = field(default_factory=new_instant)

    @property
    def output_tokens(self) -> int:
        return sum(len(choice.pieces) for choice in self.choices)

    def usage(self) -> dict[str, Any]:
        return usage_of(self.input_tokens, self.output_tokens)

    def frame(self, kind: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": "fp_sandbox",
        }

    def as_object(self) -> dict[str, Any]:
        choices = [
            {
                "index": index,
                "message": {
                    "role": "assistant",
                    "content": "".join(choice.pieces),
                    "refusal": None,
                },
                "logprobs": None,
                "finish_reason": choice.finish_reason,
            }
            for index, choice in enumerate(self.choices)
        ]
        frame = self.frame("chat.completion")
        return {**frame, "choices": choices, "usage": self.usage()}

    def events(self, pace_s: float) -> Events:
        """Yield a token each, with the pause before each."""
        frame = self.frame("chat.completion.chunk")
        usage = {"usage": None} if self.wants_usage else {}

        def event(choices: list[dict[str, Any]], **extra: Any) -> bytes:
            return as_event({**frame, "choices": choices, **usage, **extra})

        for index, choice in enumerate(self.choices):
            start = {"role": "assistant", "content": "", "refusal": None}
            yield 0.0, event([delta(index, start)])
            for piece in choice.pieces:
                yield pace_s, event([delta(index, {"content": piece})])
            yield 0.0, event([delta(index, {}, choice.finish_reason)])
        if self.wants_usage:
            yield 0.0, event([], usage=self.usage())
        yield 0.0, b"data: [DONE]\n\n"


def complete(body: dict[str, Any]) -> Completion:
    """Return the completion of a chat request: the same for the same request."""
    model, messages = body["model"], body["messages"]
    options = body.get("stream_options") or {}
    limits = [body.get("max_completion_tokens"), body.get("max_tokens")]
    most = min((n for n in limits if n is not None), default=None)
    seed = seed_of(model, messages)
    choices = [
        choose(model, random.Random(f"{seed}:{index}"), most)
        for index in range(body.get("n") or 1)
    ]
    return Completion(
        model=model,
        choices=choices,
        input_tokens=count_input(model, messages),
        wants_usage=options.get("include_usage") is True,
    )


def count_input(model: str, messages: list[dict[str, Any]]) -> int:
    """
    Count as OpenAI's cookbook does: three tokens a message, three for the reply.

    Texts alone count: written anew, a number could be longer than it came, and the
    count more than the hold's bound.
    """
    counts = (tokens.count(model, text) for text in texts_of(messages))
    return 3 + 3 * len(messages) + sum(counts)


def delta(
    index: int, content: dict[str, Any], finish_reason: str | None = None
) -> dict[str, Any]:
    return {
        "index": index,
        "delta": content,
        "logprobs": None,
        "finish_reason": finish_reason,
    }


def usage_of(input_tokens: int, output_tokens: int) -> dict[str, Any]:
    return {
        "prompt_tokens": input_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": input_tokens + output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": 0,
            "cache_write_tokens": 0,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }
