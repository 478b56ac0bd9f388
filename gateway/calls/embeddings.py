"""`POST /embeddings`."""

from __future__ import annotations

from typing import Any

from billing.pricing import Rates
from gateway.calls.bounds import COMMON, NotBounded
from gateway.calls.fields import check_count, check_input

BOUNDING = COMMON | {"input"}


def check(body: dict[str, Any]) -> None:
    check_input(body, "embeddings")
    check_count(body, "dimensions")


def output_tokens_max(body: dict[str, Any], input_tokens: int, rates: Rates) -> int:
    """
    Vectors are not charged for: the input alone is.

    :raises NotBounded: for input that costs more than its bytes say (an image's URL).
    """
    value = body["input"]
    if isinstance(value, list) and not all(map(is_text, value)):
        raise NotBounded("input", "Only text and token ids are priced here.")
    return 0


def is_text(item: object) -> bool:
    """Say whether an item is a text, a token id, or a list of token ids."""
    if isinstance(item, list):
        return all(isinstance(token, int) for token in item)
    return isinstance(item, str | int)
