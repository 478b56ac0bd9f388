"""What tokens cost. Pure: no database, no clock, no settings."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Rates:
    """Nano-dollars per token by kind. None means unpriced, never free."""

    price_id: int
    model: str
    input_nanos: int
    cached_input_nanos: int | None
    output_nanos: int | None
    max_output_tokens: int | None
    context_window: int | None
    cache_write_nanos: int | None = None
    long_context: LongContext | None = None

    def at_length(self, input_tokens: int) -> Rates:
        """Return the rates of every token of a request with so much input."""
        long = self.long_context
        return self if long is None or input_tokens <= long.above else long.rates

    @property
    def highest_input_nanos(self) -> int:
        """The most that one input token can cost, of whichever kind it is."""
        return max(
            self.input_nanos, self.cached_input_nanos or 0, self.cache_write_nanos or 0
        )


@dataclass(frozen=True, slots=True)
class LongContext:
    """Other rates, for all tokens of a request with more than `above` of input."""

    above: int
    rates: Rates


@dataclass(frozen=True, slots=True)
class Tokens:
    """
    Tokens of one request.

    `input` includes `cached_input` and `cache_write`, and `output` includes
    `reasoning`, as in OpenAI's `usage` object.
    """

    input: int = 0
    cached_input: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0


def cost_nanos(rates: Rates, tokens: Tokens) -> int:
    """
    Return what the tokens cost, in nano-dollars.

    Cached input and cache writes without a rate of their own are charged as input.
    """
    rates = rates.at_length(tokens.input)
    plain, cached, written = input_by_kind(tokens)
    cached_rate, write_rate = rates.cached_input_nanos, rates.cache_write_nanos
    return (
        plain * rates.input_nanos
        + cached * (rates.input_nanos if cached_rate is None else cached_rate)
        + written * (rates.input_nanos if write_rate is None else write_rate)
        + tokens.output * (rates.output_nanos or 0)
    )


def highest_cost_nanos(rates: Rates, *, input_tokens: int, output_tokens: int) -> int:
    """
    Return the most that a request can cost with at most so many tokens.

    Few tokens have the standard rates even where the long ones are lower: both count.
    """
    long = rates.at_length(input_tokens)
    input_rate = max(rates.highest_input_nanos, long.highest_input_nanos)
    output_rate = max(rates.output_nanos or 0, long.output_nanos or 0)
    return input_tokens * input_rate + output_tokens * output_rate


def input_by_kind(tokens: Tokens) -> tuple[int, int, int]:
    """
    Return plain, cached and written input tokens: together, all input tokens.

    A report of more cached and written tokens than there are is read as the dearer.
    """
    written = min(tokens.cache_write, tokens.input)
    cached = min(tokens.cached_input, tokens.input - written)
    return tokens.input - cached - written, cached, written


class PriceBook:
    """The price list at hand: finds the rates of a model at an instant."""

    def __init__(self, dated_rates: Iterable[tuple[str, datetime, Rates]]) -> None:
        """Take `(model or prefix*, effective from, rates)` in any order."""
        self._histories: dict[str, list[tuple[datetime, Rates]]] = {}
        for pattern, effective_from, rates in dated_rates:
            self._histories.setdefault(pattern, []).append((effective_from, rates))
        for history in self._histories.values():
            history.sort(key=lambda entry: entry[0])
        prefixes = (name[:-1] for name in self._histories if name.endswith("*"))
        self._prefixes = sorted(prefixes, key=len, reverse=True)

    def find(self, model: str, at: datetime) -> Rates | None:
        """Return the rates in force, or None if the model is unpriced then."""
        history = self._histories.get(model)
        if history is None:
            history = self._by_prefix(model)
        position = bisect_right(history, at, key=lambda entry: entry[0])
        return history[position - 1][1] if position else None

    def models(self, at: datetime) -> list[str]:
        """Return the exact names that are priced at an instant, sorted."""
        names = (name for name in self._histories if not name.endswith("*"))
        return sorted(name for name in names if self.find(name, at) is not None)

    def _by_prefix(self, model: str) -> list[tuple[datetime, Rates]]:
        for prefix in self._prefixes:
            if model.startswith(prefix):
                return self._histories[f"{prefix}*"]
        return []
