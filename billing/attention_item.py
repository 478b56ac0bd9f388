"""One thing that needs attention, and words for it."""

from __future__ import annotations

from dataclasses import dataclass

# Most urgent first.
LEVELS = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Attention:
    """
    One thing: `level` is one of `LEVELS`, `page` a URL's name.

    `part` is what follows the page's address: a query, or a place on the page.
    """

    level: str
    text: str
    page: str = ""
    action: str = ""
    part: str = ""


def counted(count: int, name: str) -> str:
    """Return a number of things in words: `1 key`, `3 keys`."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"
