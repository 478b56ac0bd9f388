"""What a check of an invariant found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

EXAMPLES_MAX = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant: how many rows were looked at, and how many break it."""

    name: str
    promise: str
    checked: int
    differences: int
    # Some of the differences, for a person who looks for the cause.
    examples: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return self.differences == 0


def find(
    name: str,
    promise: str,
    *,
    checked: str,
    differing: str,
    parameters: Mapping[str, Any] | None = None,
) -> Finding:
    """
    Run a check: `checked` counts rows, `differing` says something of each bad one.

    Both are SQL; parameters are named.
    """
    with connection.cursor() as cursor:
        cursor.execute(checked, parameters)
        (rows,) = cursor.fetchone()
        cursor.execute(
            f"SELECT count(*) OVER (), difference FROM ({differing}) "  # noqa: S608
            f"AS bad (difference) ORDER BY difference LIMIT {EXAMPLES_MAX}",
            parameters,
        )
        found = cursor.fetchall()
    return Finding(
        name=name,
        promise=promise,
        checked=rows,
        differences=found[0][0] if found else 0,
        examples=tuple(text for _, text in found),
    )
