"""What the sandbox writes: texts of plausible length, the same for the same seed."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from core.ids import event_time, new_event_id
from gateway import tokens

SHORTEST_ANSWER, LONGEST_ANSWER = 24, 96
WORDS = (  # noqa: SIM905 - as a list it would be eighty lines
    "the a this each every one house token ledger budget limit team request answer "
    "model price month day owner reader key window door room light river bridge "
    "garden stone paper letter number count measure balance account record page "
    "holds spends counts keeps opens closes meets follows carries shows writes reads "
    "quietly exactly always often slowly clearly twice never soon again together "
    "under over beside between before after while because until and then but so"
).split()

# What a stream sends, each after a pause in seconds.
Events = Iterator[tuple[float, bytes]]
# Headers and body of an answer.
Headers = list[tuple[bytes, bytes]]
Answered = tuple[Headers, Events]
JSON_HEADERS = [(b"content-type", b"application/json")]
STREAM_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8")]


@dataclass(slots=True)
class Choice:
    """One text, as the pieces in which a stream sends it."""

    pieces: list[str]
    finish_reason: str


def seed_of(*asked: object) -> str:
    """Return the same seed for the same request."""
    return hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()


def choose(model: str, source: random.Random, most: int | None) -> Choice:
    """Write a text of plausible length; cut it at `most` tokens."""
    words = source.choices(WORDS, k=source.randint(SHORTEST_ANSWER, LONGEST_ANSWER))
    sentences = [words[i : i + 12] for i in range(0, len(words), 12)]
    text = " ".join(" ".join(sentence).capitalize() + "." for sentence in sentences)
    ids = tokens.encode(model, text)
    kept = ids if most is None else ids[:most]
    reason = "stop" if len(kept) == len(ids) else "length"
    return Choice([tokens.decode(model, [token]) for token in kept], reason)


def texts_of(value: object) -> Iterator[str]:
    """Yield every text inside a JSON value, but for media and what names a type."""
    if isinstance(value, str):
        if not value.startswith("data:"):
            yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name != "type":
                yield from texts_of(item)


def new_id(prefix: str) -> str:
    return f"{prefix}{new_event_id().hex}"


def new_instant() -> int:
    """Return the present as OpenAI writes it."""
    return int(event_time(new_event_id()).timestamp())


def in_one_piece(document: object) -> Answered:
    return JSON_HEADERS, iter([(0.0, orjson.dumps(document))])


def as_event(document: object) -> bytes:
    return b"data: " + orjson.dumps(document) + b"\n\n"
