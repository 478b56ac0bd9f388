"""How many tokens a request will use: a guess, corrected after the answer. Pure."""

from __future__ import annotations

from typing import Any

from gateway.calls import Call
from usage.models import Endpoint

BYTES_PER_TOKEN = 4
# An answer whose length nobody set.
OUTPUT_TOKENS = 1000
# A picture or a file that is sent along: its bytes say nothing of its tokens.
MEDIA_TOKENS = 1000
# Shorter bodies carry nothing worth looking for.
LARGE_BYTES = 16 * 1024
NODES_MAX = 5000
# No request has so many; more would not fit into any limit.
TOKENS_MOST = 10_000_000_000
LENGTH_NAMES = ("max_completion_tokens", "max_tokens", "max_output_tokens")
WRITING = (Endpoint.CHAT_COMPLETIONS, Endpoint.RESPONSES, Endpoint.COMPLETIONS)
READING = (Endpoint.EMBEDDINGS, Endpoint.MODERATIONS)


def tokens_asked(call: Call) -> int:
    """
    Return the tokens that a call is taken for until its usage is known.

    Of media endpoints nothing is guessed: what they used is counted afterwards.
    """
    if call.endpoint in READING:
        return min(input_tokens(call), TOKENS_MOST)
    if call.endpoint in WRITING:
        return min(input_tokens(call) + output_tokens(call.body), TOKENS_MOST)
    return 0


def input_tokens(call: Call) -> int:
    length = len(call.payload)
    if length > LARGE_BYTES:
        length -= media_bytes(call.body)
    return max(1, length // BYTES_PER_TOKEN)


def output_tokens(body: dict[str, Any]) -> int:
    asked = [whole(body.get(name)) for name in LENGTH_NAMES]
    choices = max(1, whole(body.get("n")), whole(body.get("best_of")))
    return (max(asked) or OUTPUT_TOKENS) * choices


def whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return max(0, value)


def media_bytes(body: object) -> int:
    """Return how many bytes of a body are media, beyond what they count for."""
    found, waiting = 0, [body]
    for _ in range(NODES_MAX):
        if not waiting:
            break
        node = waiting.pop()
        if isinstance(node, dict):
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, str) and is_media(node):
            found += max(0, len(node) - MEDIA_TOKENS * BYTES_PER_TOKEN)
    return found


def is_media(text: str) -> bool:
    """Say whether a string is encoded bytes: a data URL, or long without a space."""
    return text.startswith("data:") or (
        len(text) > MEDIA_TOKENS * BYTES_PER_TOKEN and " " not in text[:2000]
    )
