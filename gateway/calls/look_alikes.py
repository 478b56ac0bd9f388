"""
Names that some provider takes for another: `N` for `n`, `Type` for `type`. Pure.

Some decoders (Go's) match names in any case, and the last one wins. What the bound
reads of a body has to be what the provider reads.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from gateway import errors

# Where the bound looks into: messages, items, their parts, tools and options.
BRANCHES = frozenset(
    {
        *("messages", "input", "content", "output", "image_url", "tools"),
        *("stream_options", "prompt_cache_options", "reasoning"),
    }
)
# What it reads there.
LEAVES = frozenset(
    {
        *("type", "role", "text", "refusal", "arguments", "audio", "input_audio"),
        *("file", "url", "detail", "include_usage", "ttl", "mode"),
    }
)
READ_WITHIN = BRANCHES | LEAVES
# Item, part, address: nothing deeper is more than text to the bound.
DEPTH_MAX = 4


def refuse_look_alikes(body: dict[str, Any], bounding: Set[str]) -> None:
    """
    Refuse `N` beside `n`: some providers take names in any case, and would read it.
    """
    for name in body:
        # Folded, not lowered: to Go's decoder `ſ` is an `s`.
        if name not in bounding and (folded := name.casefold()) in bounding:
            raise errors.malformed(f"Write '{folded}' instead of '{name}'", name)


def refuse_look_alikes_within(body: dict[str, Any], *, depth: int = DEPTH_MAX) -> None:
    """Do as `refuse_look_alikes` in what of a conversation the bound looks into."""
    for name, value in body.items():
        if name not in BRANCHES or depth == 0:
            continue
        for inner in value if isinstance(value, list) else (value,):
            if isinstance(inner, dict):
                refuse_look_alikes(inner, READ_WITHIN)
                refuse_look_alikes_within(inner, depth=depth - 1)
