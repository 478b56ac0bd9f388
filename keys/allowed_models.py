"""Which models a key may ask for. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

PATTERNS_MAX = 50
PATTERN_LENGTH_MAX = 120
# A model's name as providers write them, and a star for whatever may follow.
PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*\*?")


class UnusablePatterns(ValueError):
    """What was entered is no list of models; says why."""


def allows(patterns: Sequence[str], model: str) -> bool:
    """Say whether a list lets a model through; an empty list lets all through."""
    return not patterns or any(
        model.startswith(pattern[:-1]) if pattern.endswith("*") else model == pattern
        for pattern in patterns
    )


def read_patterns(text: str) -> list[str]:
    """
    Return the patterns in a text, each once, in its order.

    :raises UnusablePatterns: if one is no model's name, or there are too many.
    """
    patterns = list(dict.fromkeys(re.split(r"[\s,]+", text.strip())) if text else [])
    patterns = [pattern for pattern in patterns if pattern]
    for pattern in patterns:
        if len(pattern) > PATTERN_LENGTH_MAX or not PATTERN.fullmatch(pattern):
            raise UnusablePatterns(
                f"“{pattern[:40]}” is no model. A star may stand at the end only."
            )
    if len(patterns) > PATTERNS_MAX:
        raise UnusablePatterns(f"A key can list {PATTERNS_MAX} models at most.")
    return patterns
