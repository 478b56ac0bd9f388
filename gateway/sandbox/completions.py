"""The sandbox's completions: prompts that it goes on with."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from gateway import tokens
from gateway.sandbox.chat import usage_of
from gateway.sandbox.embeddings import are_token_ids, as_inputs
from gateway.sandbox.texts import (
    Choice,
    Events,
    as_event,
    choose,
    new_id,
    new_instant,
    seed_of,
)


@dataclass(slots=True)
class Continuation:
    """What the sandbox says to prompts, and what it counts."""

    model: str
    choices: list[Choice]
    input_tokens: int
    # Of `best_of` texts all are counted, though not all are returned.
    output_tokens: int
    wants_usage: bool
    id: str = field(default_factory=lambda: new_id("cmpl-"))
    created: int = field(default_factory=new_instant)

    def frame(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        }

    def usage(self) -> dict[str, Any]:
        return usage_of(self.input_tokens, self.output_tokens)

    def as_object(self) -> dict[str, Any]:
        choices = [
            piece_of(index, "".join(choice.pieces), choice.finish_reason)
            for index, choice in enumerate(self.choices)
        ]
        return {**self.frame(choices), "usage": self.usage()}

    def events(self, pace_s: float) -> Events:
        """Yield a token each, with the pause before each."""
        usage = {"usage": None} if self.wants_usage else {}
        for index, choice in enumerate(self.choices):
            for piece in choice.pieces:
                yield pace_s, as_event(self.frame([piece_of(index, piece)]) | usage)
            end = piece_of(index, "", choice.finish_reason)
            yield 0.0, as_event(self.frame([end]) | usage)
        if self.wants_usage:
            yield 0.0, as_event({**self.frame([]), "usage": self.usage()})
        yield 0.0, b"data: [DONE]\n\n"


def piece_of(index: int, text: str, finish_reason: str | None = None) -> dict[str, Any]:
    return {
        "index": index,
        "text": text,
        "logprobs": None,
        "finish_reason": finish_reason,
    }


def go_on(body: dict[str, Any]) -> Continuation:
    """Return how the prompts go on: the same for the same request."""
    model, prompts = body["model"], as_inputs(body.get("prompt") or "")
    returned = body.get("n") or 1
    made = max(returned, body.get("best_of") or 1)
    texts = [write(model, prompt, made, body["max_tokens"]) for prompt in prompts]
    output_tokens = sum(len(text.pieces) for several in texts for text in several)
    if body.get("echo"):
        for prompt, several in zip(prompts, texts, strict=True):
            for text in several:
                text.pieces.insert(0, as_text(prompt))
    return Continuation(
        model=model,
        choices=[text for several in texts for text in several[:returned]],
        input_tokens=sum(count_prompt(model, prompt) for prompt in prompts),
        output_tokens=output_tokens,
        wants_usage=(body.get("stream_options") or {}).get("include_usage") is True,
    )


def write(model: str, prompt: str | list[int], count: int, most: int) -> list[Choice]:
    seed = seed_of(model, prompt)
    return [
        choose(model, random.Random(f"{seed}:{index}"), most) for index in range(count)
    ]


def count_prompt(model: str, prompt: str | list[int]) -> int:
    return len(prompt) if are_token_ids(prompt) else tokens.count(model, str(prompt))


def as_text(prompt: str | list[int]) -> str:
    """Return what is echoed; token ids, which may be nobody's, as they came."""
    return " ".join(map(str, prompt)) if are_token_ids(prompt) else str(prompt)
