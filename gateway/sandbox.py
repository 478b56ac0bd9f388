"""
The built-in provider: deterministic text, true token counts, a realistic pace.

Serves staging organizations. It answers for its own models and for every model of
the price list, so that an application can be tried unchanged.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import math
import random
import struct
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import orjson

from core.ids import event_time, new_event_id
from gateway import tokens
from usage.models import Endpoint

CHAT_MODEL = "sandbox-1"
EMBEDDING_MODEL = "sandbox-embedding-1"
FIRST_TOKEN_S = 0.18
TOKEN_S = 0.012
SHORTEST_ANSWER, LONGEST_ANSWER = 24, 96
DIMENSIONS = 256
DIMENSIONS_MAX = 4096
PATHS = {
    "/chat/completions": Endpoint.CHAT_COMPLETIONS,
    "/embeddings": Endpoint.EMBEDDINGS,
}
JSON_HEADERS = [(b"content-type", b"application/json")]
STREAM_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8")]
WORDS = (  # noqa: SIM905 - as a list it would be eighty lines
    "the a this each every one house token ledger budget limit team request answer "
    "model price month day owner reader key window door room light river bridge "
    "garden stone paper letter number count measure balance account record page "
    "holds spends counts keeps opens closes meets follows carries shows writes reads "
    "quietly exactly always often slowly clearly twice never soon again together "
    "under over beside between before after while because until and then but so"
).split()


class SandboxUpstream:
    """Answers like a provider, from inside this process. Costs nobody anything."""

    def __init__(self, *, is_paced: bool) -> None:
        self._is_paced = is_paced

    async def send(
        self, method: str, path: str, payload: bytes, headers: Mapping[bytes, bytes]
    ) -> SandboxAnswer:
        body = orjson.loads(payload)
        pace_s = TOKEN_S if self._is_paced else 0.0
        if self._is_paced:
            await asyncio.sleep(FIRST_TOKEN_S)
        if PATHS[path] == Endpoint.EMBEDDINGS:
            return whole_answer(embed(body))
        completion = complete(body)
        if body.get("stream"):
            return SandboxAnswer(STREAM_HEADERS, stream(completion, pace_s))
        if self._is_paced:
            await asyncio.sleep(pace_s * completion.output_tokens)
        return whole_answer(completion.as_object())


@dataclass(slots=True)
class SandboxAnswer:
    """An answer of the sandbox: parts, each after its pause."""

    headers: list[tuple[bytes, bytes]]
    source: Iterator[tuple[float, bytes]]
    status: int = 200

    async def read(self) -> bytes:
        return b"".join([part async for part in self.parts()])

    async def parts(self) -> AsyncIterator[bytes]:
        for pause_s, part in self.source:
            await asyncio.sleep(pause_s)
            yield part

    async def close(self) -> None:
        self.source = iter(())


def whole_answer(document: dict[str, Any]) -> SandboxAnswer:
    return SandboxAnswer(JSON_HEADERS, iter([(0.0, orjson.dumps(document))]))


@dataclass(slots=True)
class Choice:
    """One text, as the pieces in which a stream sends it."""

    pieces: list[str]
    finish_reason: str


@dataclass(slots=True)
class Completion:
    """What the sandbox says to a chat request, and what it counts."""

    model: str
    choices: list[Choice]
    input_tokens: int
    wants_usage: bool
    id: str = field(default_factory=lambda: f"chatcmpl-{new_event_id().hex}")
    created: int = field(
        default_factory=lambda: int(event_time(new_event_id()).timestamp())
    )

    @property
    def output_tokens(self) -> int:
        return sum(len(choice.pieces) for choice in self.choices)

    def usage(self) -> dict[str, Any]:
        return {
            "prompt_tokens": self.input_tokens,
            "completion_tokens": self.output_tokens,
            "total_tokens": self.input_tokens + self.output_tokens,
            "prompt_tokens_details": {
                "cached_tokens": 0,
                "cache_write_tokens": 0,
                "audio_tokens": 0,
            },
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }

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


def complete(body: dict[str, Any]) -> Completion:
    """Return the completion of a chat request: the same for the same request."""
    model, messages = body["model"], body["messages"]
    options = body.get("stream_options") or {}
    limits = [body.get("max_completion_tokens"), body.get("max_tokens")]
    most = min((n for n in limits if n is not None), default=None)
    seed = hashlib.sha256(orjson.dumps([model, messages], option=orjson.OPT_SORT_KEYS))
    choices = [
        choose(model, random.Random(f"{seed.hexdigest()}:{index}"), most)
        for index in range(body.get("n") or 1)
    ]
    return Completion(
        model=model,
        choices=choices,
        input_tokens=count_input(model, messages),
        wants_usage=options.get("include_usage") is True,
    )


def choose(model: str, source: random.Random, most: int | None) -> Choice:
    """Write a text of plausible length; cut it at `most` tokens."""
    words = source.choices(WORDS, k=source.randint(SHORTEST_ANSWER, LONGEST_ANSWER))
    sentences = [words[i : i + 12] for i in range(0, len(words), 12)]
    text = " ".join(" ".join(sentence).capitalize() + "." for sentence in sentences)
    ids = tokens.encode(model, text)
    kept = ids if most is None else ids[:most]
    reason = "stop" if len(kept) == len(ids) else "length"
    return Choice([tokens.decode(model, [token]) for token in kept], reason)


def count_input(model: str, messages: list[dict[str, Any]]) -> int:
    """
    Count as OpenAI's cookbook does: three tokens a message, three for the reply.

    Texts alone count: written anew, a number could be longer than it came, and the
    count more than the hold's bound.
    """
    counts = (tokens.count(model, text) for text in texts_of(messages))
    return 3 + 3 * len(messages) + sum(counts)


def texts_of(value: object) -> Iterator[str]:
    """Yield every text inside a JSON value, but for what names a part's type."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name != "type":
                yield from texts_of(item)


def stream(completion: Completion, pace_s: float) -> Iterator[tuple[float, bytes]]:
    """Yield the completion's events, a token each, with the pause before each."""
    frame = completion.frame("chat.completion.chunk")
    usage = {"usage": None} if completion.wants_usage else {}

    def event(choices: list[dict[str, Any]], **extra: Any) -> bytes:
        chunk = {**frame, "choices": choices, **usage, **extra}
        return b"data: " + orjson.dumps(chunk) + b"\n\n"

    for index, choice in enumerate(completion.choices):
        start = {"role": "assistant", "content": "", "refusal": None}
        yield 0.0, event([delta(index, start)])
        for piece in choice.pieces:
            yield pace_s, event([delta(index, {"content": piece})])
        yield 0.0, event([delta(index, {}, choice.finish_reason)])
    if completion.wants_usage:
        yield 0.0, event([], usage=completion.usage())
    yield 0.0, b"data: [DONE]\n\n"


def delta(
    index: int, content: dict[str, Any], finish_reason: str | None = None
) -> dict[str, Any]:
    return {
        "index": index,
        "delta": content,
        "logprobs": None,
        "finish_reason": finish_reason,
    }


def embed(body: dict[str, Any]) -> dict[str, Any]:
    """Return unit vectors that depend on the inputs alone."""
    model, inputs = body["model"], as_inputs(body["input"])
    size = min(body.get("dimensions") or DIMENSIONS, DIMENSIONS_MAX)
    vectors = [vector(orjson.dumps(item).decode(), size) for item in inputs]
    as_base64 = body.get("encoding_format") == "base64"
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": packed(values) if as_base64 else values,
        }
        for index, values in enumerate(vectors)
    ]
    count = sum(count_embedded(model, item) for item in inputs)
    usage = {"prompt_tokens": count, "total_tokens": count}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def as_inputs(value: str | list[Any]) -> list[Any]:
    """Return what is embedded, each to one vector: texts, or lists of token ids."""
    if isinstance(value, str) or are_token_ids(value):
        return [value]
    return value


def count_embedded(model: str, item: object) -> int:
    if are_token_ids(item):
        return len(item)
    return max(sum(tokens.count(model, text) for text in texts_of(item)), 1)


def are_token_ids(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(isinstance(item, int) for item in value)


def vector(text: str, size: int) -> list[float]:
    source = random.Random(text)
    values = [source.gauss(0, 1) for _ in range(size)]
    length = math.sqrt(sum(value * value for value in values))
    return [value / length for value in values]


def packed(values: list[float]) -> str:
    """Write a vector as OpenAI does: base64 of little-endian 32-bit floats."""
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
