"""A figure beside its target, and whether it was met: said plainly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """What was measured; without a target it is only told."""

    what: str
    measured: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def verdict(self) -> str:
        if self.at_least is not None:
            return "met" if self.measured >= self.at_least else "missed"
        if self.at_most is not None:
            return "met" if self.measured <= self.at_most else "missed"
        return ""

    @property
    def target(self) -> str:
        if self.at_least is not None:
            return f"at least {self.at_least:g}"
        return "" if self.at_most is None else f"at most {self.at_most:g}"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "verdict": self.verdict}


def table(figures: Iterable[Figure]) -> str:
    """Write figures for people, a line each."""
    return "\n".join(
        f"{figure.what:58} {figure.measured:12,.2f} {figure.unit:9} "
        f"{figure.target:16} {figure.verdict}".rstrip()
        for figure in figures
    )
