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

LENGTH_PARAM = "max_completion_tokens"
BOUNDING = COMMON | {
    *("messages", "n", "max_completion_tokens", "max_tokens", "prediction"),
    *("tools", "modalities", "audio", "web_search_options"),
}
TEXT_PARTS = ("text", "refusal")


def check(body: dict[str, Any]) -> None:
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
    refuse_media(body)
    stated = [body.get("max_completion_tokens"), body.get("max_tokens")]
    per_choice = longest_answer(stated, rates, param=LENGTH_PARAM)
    # A prediction that the answer departs from is charged as output.
    predicted = input_tokens if body.get("prediction") else 0
    choices: int = body.get("n") or 1
    return (per_choice + predicted) * choices


def refuse_media(body: dict[str, Any]) -> None:
    """Refuse what costs more than its bytes say: searches, sound, images, files."""
    if body.get("web_search_options") is not None:
        raise NotBounded("web_search_options", "Web search has no price here.")
    if body.get("audio") is not None or "audio" in (body.get("modalities") or ()):
        raise NotBounded("modalities", "Audio output has no price here.")
    for position, message in enumerate(body["messages"]):
        if message.get("audio") is not None:
            where = f"messages[{position}].audio"
            raise NotBounded(where, "Audio has no price here.")
        content = message.get("content")
        parts = content if isinstance(content, list) else ()
        for part in parts:
            if not isinstance(part, dict) or part.get("type") not in TEXT_PARTS:
                where = f"messages[{position}].content"
                raise NotBounded(where, "Only text content is priced here yet.")
