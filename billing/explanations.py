"""How a charge was computed: quantity times rate, line by line. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from billing.pricing import Rates, Tokens


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """Tokens of one kind at their rate, in nano-dollars per token."""

    label: str
    tokens: int
    rate_nanos: int
    amount_nanos: int

    @property
    def million_nanos(self) -> int:
        """The rate as price lists have it: per million tokens."""
        return self.rate_nanos * 1_000_000


def charge_lines(rates: Rates, tokens: Tokens) -> list[ChargeLine]:
    """Return the lines that `pricing.cost_nanos` is the sum of."""
    cached = min(tokens.cached_input, tokens.input)
    cached_rate, cached_label = rates.cached_input_nanos, "Cached input"
    if cached_rate is None:
        cached_rate, cached_label = rates.input_nanos, "Cached input, at the input rate"
    lines = [
        line("Input", tokens.input - cached, rates.input_nanos),
        line(cached_label, cached, cached_rate),
        line("Output", tokens.output, rates.output_nanos or 0),
    ]
    return [each for each in lines if each.tokens]


def line(label: str, tokens: int, rate_nanos: int) -> ChargeLine:
    return ChargeLine(label, tokens, rate_nanos, tokens * rate_nanos)
