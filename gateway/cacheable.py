"""Which requests have one answer, and what makes two of them the same. Pure."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.calls import Call
from usage.models import Endpoint

ALWAYS = (Endpoint.EMBEDDINGS, Endpoint.MODERATIONS)
IF_ASKED = (Endpoint.CHAT_COMPLETIONS, Endpoint.RESPONSES, Endpoint.COMPLETIONS)
# They say who asks, or where the provider's cache lies, and change no answer.
IMMATERIAL = frozenset(
    {"metadata", "prompt_cache_key", "safety_identifier", "service_tier", "user"}
)
# Kept by the provider, looked up elsewhere, or done later: another answer each time.
ELSEWHERE = frozenset(
    {"background", "conversation", "previous_response_id", "web_search_options"}
)
OWN_TOOLS = ("function", "custom")
# Parts whose content lies elsewhere or is heavy.
MEDIA = frozenset({"file", "file_id", "file_url", "image_url", "input_audio"})


def canonical(call: Call) -> bytes | None:
    """
    Return what two requests with one answer have in common; None if there is no such.

    One answer have embeddings and moderations, and texts with an explicit temperature
    of 0 or a seed: text only, without what the provider stores or looks up, and with
    no tools but the client's own.
    """
    if call.endpoint not in ALWAYS and not is_deterministic(call):
        return None
    if holds_media(call.body):
        return None
    kept = {k: v for k, v in call.body.items() if k not in IMMATERIAL}
    asked = [call.path, call.wants_usage, kept]
    try:
        return orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # just not too deep to be sent
        return None


def is_deterministic(call: Call) -> bool:
    body = call.body
    if call.endpoint not in IF_ASKED or not asks_for_one_answer(body):
        return False
    if any(body.get(name) for name in ELSEWHERE) or stores(call):
        return False
    if call.endpoint == Endpoint.RESPONSES and body.get("prompt"):
        return False
    return all(is_own_tool(tool) for tool in body.get("tools") or ())


def asks_for_one_answer(body: dict[str, Any]) -> bool:
    """Models without a temperature are never deterministic; a seed is a wish."""
    temperature, seed = body.get("temperature"), body.get("seed")
    is_cold = type(temperature) in (int, float) and temperature == 0
    return is_cold or type(seed) is int


def stores(call: Call) -> bool:
    """Say whether the provider keeps the answer: responses, unless told not to."""
    if call.endpoint == Endpoint.RESPONSES:
        return call.body.get("store") is not False
    return bool(call.body.get("store"))


def is_own_tool(tool: object) -> bool:
    return isinstance(tool, dict) and tool.get("type") in OWN_TOOLS


def holds_media(value: object) -> bool:
    """Say whether anything inside is more than text."""
    if isinstance(value, dict):
        return not MEDIA.isdisjoint(value) or any(map(holds_media, value.values()))
    return isinstance(value, list) and any(map(holds_media, value))
