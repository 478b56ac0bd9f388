"""Which price is in force. Pure: no database, no clock, no settings."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime

from billing.pricing import STANDARD_TIER, Rates


class PriceBook:
    """The price list at hand: finds the rates of a model and tier at an instant."""

    def __init__(self, dated_rates: Iterable[tuple[str, datetime, Rates]]) -> None:
        """Take `(model or prefix*, effective from, rates)` in any order."""
        histories: dict[tuple[str, str], list[tuple[datetime, Rates]]] = {}
        for pattern, effective_from, rates in dated_rates:
            history = histories.setdefault((pattern, rates.tier), [])
            history.append((effective_from, rates))
        for history in histories.values():
            history.sort(key=lambda entry: entry[0])
        self._histories = histories
        # A model is found by its standard price; a tier is another price of that row.
        self._names = {name for name, tier in histories if tier == STANDARD_TIER}
        prefixes = (name[:-1] for name in self._names if name.endswith("*"))
        self._prefixes = sorted(prefixes, key=len, reverse=True)

    def find(self, model: str, at: datetime, tier: str = STANDARD_TIER) -> Rates | None:
        """Return the rates in force, or None if the model is unpriced then."""
        pattern = model if model in self._names else self._prefix_of(model)
        history = self._histories.get((pattern, tier), [])
        position = bisect_right(history, at, key=lambda entry: entry[0])
        return history[position - 1][1] if position else None

    def models(self, at: datetime) -> list[str]:
        """Return the exact names that are priced at an instant, sorted."""
        names = (name for name in self._names if not name.endswith("*"))
        return sorted(name for name in names if self.find(name, at) is not None)

    def _prefix_of(self, model: str) -> str:
        """Return the longest prefix of a model that has a price, with its star."""
        for prefix in self._prefixes:
            if model.startswith(prefix):
                return f"{prefix}*"
        return ""
