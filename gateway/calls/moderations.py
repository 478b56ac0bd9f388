"""`POST /moderations`: free at OpenAI, whose models are known by their names."""

from __future__ import annotations

from typing import Any

from billing.pricing import Rates
from gateway.calls.bounds import COMMON, NotBounded
from gateway.calls.fields import check_input

BOUNDING = COMMON | {"input"}
# Other providers' models of moderation may cost something: they need a price.
FREE_MODELS = ("omni-moderation-", "text-moderation-")
# OpenAI's. It is sent by name, since other providers have none.
DEFAULT_MODEL = "omni-moderation-latest"


def check(body: dict[str, Any]) -> None:
    check_input(body, "moderations")
    if body.get("model") is None:
        body["model"] = DEFAULT_MODEL


def output_tokens_max(body: dict[str, Any], input_tokens: int, rates: Rates) -> int:
    """Verdicts are not charged for: the input alone is, where anything is."""
    if rates.highest_input_nanos and not is_text(body["input"]):
        raise NotBounded("input", "Only text content is priced here yet.")
    return 0


def is_text(value: str | list[Any]) -> bool:
    return isinstance(value, str) or all(isinstance(item, str) for item in value)
