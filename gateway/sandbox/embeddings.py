"""The sandbox's vectors."""

from __future__ import annotations

import base64
import math
import random
import struct
from typing import Any, TypeGuard

import orjson

from gateway import tokens
from gateway.sandbox.texts import texts_of

DIMENSIONS = 256
DIMENSIONS_MAX = 4096


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
