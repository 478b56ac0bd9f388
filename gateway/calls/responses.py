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
from gateway.calls.fields import (
    check_bool,
    check_count,
    check_list,
    check_stream,
    check_text,
)
from gateway.calls.inputs import Contents, InputMax, input_max
from gateway.calls.look_alikes import refuse_look_alikes_within

LENGTH_PARAM = "max_output_tokens"
# What makes a response cost more than its own bytes and its length say, and why.
UNBOUNDED = {
    "background": "What runs in the background is not booked here yet.",
    "context_management": "Compaction of the context has no bound here.",
    "image": "Images have no price here.",
    "moderation": "Moderation within a response has no price here.",
    "prompt": "A prompt kept by the provider may bring tools that charge fees: send "
    "its text.",
}
BOUNDING = COMMON | {
    *("input", "instructions", "max_output_tokens", "tools", "reasoning"),
    *("conversation", "previous_response_id"),
    *UNBOUNDED,
}
# What the provider keeps and puts before the input: as much as the window takes.
KEPT = ("conversation", "previous_response_id")
PRICED_MODES = (None, "standard")
TEXT_PARTS = ("input_text", "output_text", "refusal")
# Items of earlier answers: encrypted, kept by the provider, or results of its tools.
# What they cost was charged then; as input they are what the window takes.
OPAQUE_ITEMS = frozenset(
    {
        *("reasoning", "item_reference", "compaction", "image_generation_call"),
        *("web_search_call", "file_search_call", "code_interpreter_call"),
        *("computer_call", "computer_call_output", "mcp_list_tools", "mcp_call"),
        *("local_shell_call", "local_shell_call_output"),
        *("shell_call", "shell_call_output"),
        *("apply_patch_call", "apply_patch_call_output"),
    }
)
# Items that are in their bytes, but for media: by type, which field holds a text or its
# parts.
TEXT_FIELDS = {
    "message": "content",
    "function_call": "arguments",
    "function_call_output": "output",
    "custom_tool_call": "input",
    "custom_tool_call_output": "output",
}


def check(body: dict[str, Any]) -> None:
    refuse_look_alikes_within(body)
    check_text(body, "instructions")
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
    return longest_answer([body.get("max_output_tokens")], rates, param=LENGTH_PARAM)


def refuse_unbounded(body: dict[str, Any]) -> None:
    for name, reason in UNBOUNDED.items():
        if body.get(name) not in (None, False):
            raise NotBounded(name, reason)
    reasoning = body.get("reasoning") or {}
    if not isinstance(reasoning, dict) or reasoning.get("mode") not in PRICED_MODES:
        raise NotBounded("reasoning", "Only the standard mode of reasoning is priced.")


def input_tokens_max(body: dict[str, Any], length: int, rates: Rates) -> InputMax:
    """Return the most input of a body of some length, and of what it refers to."""
    contents = Contents(body["model"])
    for name in KEPT:
        if body.get(name) is not None:
            contents.note_opaque(name)
    for position, item in enumerate(items_of(body)):
        note_item(item, f"input[{position}]", contents)
    return input_max(contents, length, rates)


def note_item(item: dict[str, Any], where: str, contents: Contents) -> None:
    """
    Note what of an item is no text in its bytes.

    :raises NotBounded: for an item that may make the provider do what has a price.
    """
    kind = item.get("type") or ("message" if item.get("role") else "item_reference")
    if isinstance(kind, str) and kind in OPAQUE_ITEMS:
        contents.note_opaque(where)
        return
    field = TEXT_FIELDS.get(kind) if isinstance(kind, str) else None
    if field is None:
        raise NotBounded(where, "Items of this type have no bound here.")
    value, where = item.get(field), f"{where}.{field}"
    if isinstance(value, list):
        for part in value:
            note_part(part, where, contents)
    elif not isinstance(value, str):
        raise NotBounded(where, "Only a text, or an array of parts, has a bound here.")


def note_part(part: object, where: str, contents: Contents) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(part, dict) or not isinstance(kind, str):
        raise NotBounded(where, "Only parts with a type have a bound here.")
    if kind == "input_image":
        contents.note_image(part.get("image_url"), part.get("detail"), where)
    elif kind == "input_file":
        contents.note_opaque(where)
    elif kind == "input_audio":
        contents.note_heard(where)
    elif kind not in TEXT_PARTS:
        raise NotBounded(where, "Parts of this type have no bound here.")
