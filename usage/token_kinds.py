"""Tokens told apart by kind: what was read anew, from the cache, written. Pure."""

from __future__ import annotations

from collections.abc import Callable

from usage.amounts import Amounts, Series, Usage
from usage.dimensions import Group

# Each token is of one kind, so that kinds add up to all tokens. In the order that
# charts stack them.
KINDS: dict[str, tuple[str, Callable[[Amounts], Amounts]]] = {
    "input": (
        "Input",
        lambda a: Amounts(
            input_tokens=a.input_tokens - a.cached_input_tokens - a.cache_write_tokens
        ),
    ),
    "cached_input": (
        "Cached input",
        lambda a: Amounts(input_tokens=a.cached_input_tokens),
    ),
    "cache_write": (
        "Written to the cache",
        lambda a: Amounts(input_tokens=a.cache_write_tokens),
    ),
    "output": (
        "Output",
        lambda a: Amounts(output_tokens=a.output_tokens - a.reasoning_tokens),
    ),
    "reasoning": (
        "Reasoning",
        lambda a: Amounts(output_tokens=a.reasoning_tokens),
    ),
}


def by_kind(usage: Usage) -> Usage:
    """Return the tokens of a usage by their kind; kinds that were not used are none."""
    series = [
        Series(Group(value, name), tuple(map(part, usage.by_period)))
        for value, (name, part) in KINDS.items()
    ]
    return Usage(usage.periods, tuple(each for each in series if each.total.tokens))
