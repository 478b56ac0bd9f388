"""`POST /responses`."""

from __future__ import annotations

from typing import Any

from billing.pricing import Rates
from gateway import errors
from gateway.calls.bounds import (
    COMMON,
    NotBounded,
    longest_answer,
    refuse_unpriced_terms,
    refuse_unpriced_tools,
)
from gateway.calls.fields import check_bool, check_count, check_list, check_stream

LENGTH_PARAM = "max_output_tokens"
# What makes a response cost more than its own bytes and its length say, and why.
UNBOUNDED = {
    "background": "What runs in the background is not booked here yet.",
    "context_management": "Compaction of the context has no bound here.",
    "conversation": "A conversation kept by the provider has no bound here: send its "
    "items as input.",
    "image": "Images have no price here.",
    "moderation": "Moderation within a response has no price here.",
    "previous_response_id": "A response kept by the provider has no bound here: send "
    "its items as input.",
    "prompt": "A prompt kept by the provider has no bound here: send its text.",
}
BOUNDING = COMMON | {
    *("input", "instructions", "max_output_tokens", "tools", "reasoning"),
    *UNBOUNDED,
}
PRICED_MODES = (None, "standard")
TEXT_PARTS = ("input_text", "output_text", "refusal")
# Items that are all in their bytes: by type, which field holds a text or its parts.
TEXT_FIELDS = {
    "message": "content",
    "function_call": "arguments",
    "function_call_output": "output",
    "custom_tool_call": "input",
    "custom_tool_call_output": "output",
}


def check(body: dict[str, Any]) -> None:
    value = body.get("input")
    if not isinstance(value, str | list | None):
        raise errors.malformed("'input' must be a string or an array", "input")
    for position, item in enumerate(items_of(body)):
        if not isinstance(item, dict):
            where = f"input[{position}]"
            raise errors.malformed(f"'{where}' must be an object", where)
    check_stream(body)
    check_bool(body, "background")
    check_count(body, "max_output_tokens")
    check_list(body, "tools")


def items_of(body: dict[str, Any]) -> list[Any]:
    value = body.get("input")
    return value if isinstance(value, list) else []


def output_tokens_max(body: dict[str, Any], input_tokens: int, rates: Rates) -> int:
    """Return the most tokens that a response can have, those of reasoning included."""
    refuse_unpriced_terms(body, rates)
    refuse_unpriced_tools(body)
    refuse_unbounded(body)
    for position, item in enumerate(items_of(body)):
        refuse_unbounded_item(item, f"input[{position}]")
    return longest_answer([body.get("max_output_tokens")], rates, param=LENGTH_PARAM)


def refuse_unbounded(body: dict[str, Any]) -> None:
    for name, reason in UNBOUNDED.items():
        if body.get(name) not in (None, False):
            raise NotBounded(name, reason)
    reasoning = body.get("reasoning") or {}
    if not isinstance(reasoning, dict) or reasoning.get("mode") not in PRICED_MODES:
        raise NotBounded("reasoning", "Only the standard mode of reasoning is priced.")


def refuse_unbounded_item(item: dict[str, Any], where: str) -> None:
    """
    Refuse an item that is not all in its bytes.

    Media, results of the provider's own tools, references to stored items; also
    reasoning, which is kept by the provider or encrypted.
    """
    kind = item.get("type") or ("message" if item.get("role") else "item_reference")
    field = TEXT_FIELDS.get(kind) if isinstance(kind, str) else None
    if field is None:
        text = "Only messages and calls of your own tools are priced here yet."
        raise NotBounded(where, text)
    if not is_text(item.get(field)):
        raise NotBounded(f"{where}.{field}", "Only text is priced here yet.")


def is_text(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(p, dict) and p.get("type") in TEXT_PARTS for p in value)
    return isinstance(value, str)
