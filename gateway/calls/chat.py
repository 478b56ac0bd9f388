"""`POST /chat/completions`."""

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
from gateway.calls.fields import CHOICES_MAX, check_count, check_list, check_stream
from gateway.calls.inputs import Contents, InputMax, input_max, read_url
from gateway.calls.look_alikes import refuse_look_alikes_within

LENGTH_PARAM = "max_completion_tokens"
BOUNDING = COMMON | {
    *("messages", "n", "max_completion_tokens", "max_tokens", "prediction"),
    *("tools", "modalities", "audio", "web_search_options", "moderation"),
}
TEXT_PARTS = ("text", "refusal")


def check(body: dict[str, Any]) -> None:
    refuse_look_alikes_within(body)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise errors.malformed("'messages' must be a non-empty array", "messages")
    for position, message in enumerate(messages):
        check_message(message, position)
    check_stream(body)
    check_count(body, "n", most=CHOICES_MAX)
    check_count(body, "max_completion_tokens")
    check_count(body, "max_tokens")
    check_list(body, "tools")
    check_list(body, "modalities")


def check_message(message: object, position: int) -> None:
    where = f"messages[{position}]"
    if not isinstance(message, dict):
        raise errors.malformed(f"'{where}' must be an object", where)
    if not isinstance(message.get("role"), str):
        raise errors.malformed(f"'{where}.role' must be a string", f"{where}.role")
    content = message.get("content")
    if not isinstance(content, str | list | None):
        text = f"'{where}.content' must be a string or an array"
        raise errors.malformed(text, f"{where}.content")


def output_tokens_max(body: dict[str, Any], input_tokens: int, rates: Rates) -> int:
    """Return the most tokens that all choices can have together."""
    refuse_unpriced_terms(body, rates)
    refuse_unpriced_tools(body)
    if body.get("web_search_options") is not None:
        raise NotBounded("web_search_options", "Web search has no price here.")
    if body.get("moderation") is not None:
        raise NotBounded("moderation", "Moderation within a chat has no price here.")
    stated = [body.get("max_completion_tokens"), body.get("max_tokens")]
    per_choice = longest_answer(stated, rates, param=LENGTH_PARAM)
    # A prediction that the answer departs from is charged as output.
    predicted = input_tokens if body.get("prediction") else 0
    choices: int = body.get("n") or 1
    return (per_choice + predicted) * choices


def input_tokens_max(body: dict[str, Any], length: int, rates: Rates) -> InputMax:
    """Return the most input of a body of some length, whatever it shows or plays."""
    contents = Contents(body["model"])
    for position, message in enumerate(body["messages"]):
        where = f"messages[{position}]"
        if message.get("audio") is not None:
            contents.note_heard(f"{where}.audio")
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            note_part(part, f"{where}.content", contents)
    return input_max(contents, length, rates)


def note_part(part: object, where: str, contents: Contents) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(part, dict) or not isinstance(kind, str):
        raise NotBounded(where, "Only parts with a type have a bound here.")
    if kind == "image_url":
        contents.note_image(*read_url(part.get("image_url")), where)
    elif kind == "input_audio":
        contents.note_heard(where)
    elif kind == "file":
        contents.note_opaque(where)
    elif kind not in TEXT_PARTS:
        raise NotBounded(where, "Parts of this type have no bound here.")


def speaks(body: dict[str, Any]) -> bool:
    """Say whether the answer can be sound."""
    return body.get("audio") is not None or "audio" in (body.get("modalities") or ())
