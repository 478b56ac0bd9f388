"""Which price is in force. Pure: no database, no clock, no settings."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from billing.pricing import STANDARD_TIER, Rates

# A model or `prefix*`, from when on, and the rates; rates of nothing end those before.
DatedRates = tuple[str, datetime, Rates]


class PriceBook:
    """
    The prices at hand: finds the rates of a model and tier at an instant.

    `of` an organization it looks into its own prices first, which win over the list.
    """

    def __init__(
        self,
        listed: Iterable[DatedRates],
        own: Mapping[int, Iterable[DatedRates]] | None = None,
    ) -> None:
        """Take the list, and own prices by organization, each in any order."""
        self._list = Histories(listed)
        self._own = {key: Histories(dated) for key, dated in (own or {}).items()}
        self._first: Histories | None = None

    def of(self, organization_id: int | None) -> PriceBook:
        """Return the prices of an organization; the list if it has none of its own."""
        first = self._own.get(organization_id) if organization_id else None
        if first is self._first:
            return self
        book = PriceBook(())
        book._list, book._own, book._first = self._list, self._own, first
        return book

    def find(self, model: str, at: datetime, tier: str = STANDARD_TIER) -> Rates | None:
        """Return the rates in force, or None if the model is unpriced then."""
        own = self._first.find(model, at, tier) if self._first else None
        return own or self.find_listed(model, at, tier)

    def find_listed(
        self, model: str, at: datetime, tier: str = STANDARD_TIER
    ) -> Rates | None:
        """Return the rates of the list alone."""
        # A model is found by its standard price; a tier is another price of that row.
        standard = self._list.find(model, at, STANDARD_TIER)
        if standard is None or tier == STANDARD_TIER:
            return standard
        return self._list.in_force(standard.model, at, tier)

    def models(self, at: datetime) -> list[str]:
        """Return the exact names that are priced at an instant, sorted."""
        names = self._list.names | (self._first.names if self._first else set())
        return sorted(name for name in names if self.find(name, at) is not None)


class Histories:
    """Dated rates by pattern and service tier."""

    def __init__(self, dated_rates: Iterable[DatedRates]) -> None:
        histories = defaultdict(list)
        for pattern, effective_from, rates in dated_rates:
            histories[pattern, rates.tier].append((effective_from, rates))
        for history in histories.values():
            history.sort(key=lambda entry: entry[0])
        self._histories = dict(histories)
        patterns = {pattern for pattern, _ in histories}
        self.names = {name for name in patterns if not name.endswith("*")}
        prefixes = (name[:-1] for name in patterns - self.names)
        self._prefixes = sorted(prefixes, key=len, reverse=True)

    def find(self, model: str, at: datetime, tier: str) -> Rates | None:
        """Return the rates of the exact name, else of the longest prefix with any."""
        for pattern in self._patterns_of(model):
            rates = self.in_force(pattern, at, tier)
            if rates is not None:
                return rates
        return None

    def in_force(self, pattern: str, at: datetime, tier: str) -> Rates | None:
        """Return the newest rates that began; None if there are none, or they ended."""
        history = self._histories.get((pattern, tier))
        if history is None:
            return None
        position = bisect_right(history, at, key=lambda entry: entry[0])
        rates = history[position - 1][1] if position else None
        return rates if rates is not None and rates.price_something else None

    def _patterns_of(self, model: str) -> Iterator[str]:
        if model in self.names:
            yield model
        for prefix in self._prefixes:
            if model.startswith(prefix):
                yield f"{prefix}*"
