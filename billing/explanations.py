"""How a charge was computed: quantity times rate, line by line. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from billing.pricing import Rates, Tokens, input_by_kind


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
    rates = rates.at_length(tokens.input)
    plain, cached, written = input_by_kind(tokens)
    lines = [
        line("Input", plain, rates.input_nanos),
        input_line("Cached input", cached, rates.cached_input_nanos, rates),
        input_line("Cache write", written, rates.cache_write_nanos, rates),
        line("Output", tokens.output, rates.output_nanos or 0),
    ]
    return [each for each in lines if each.tokens]


def length_note(rates: Rates, tokens: Tokens) -> str:
    """Return which of a price's rates were applied; empty if it has only one set."""
    if rates.long_context is None:
        return ""
    above = f"{rates.long_context.above:,} input tokens"
    if tokens.input > rates.long_context.above:
        return f"Long-context rates: more than {above}, so every token costs more."
    return f"Standard rates: no more than {above}. Above it long-context rates apply."


def input_line(
    label: str, tokens: int, rate_nanos: int | None, rates: Rates
) -> ChargeLine:
    """Return the line of a kind of input that may have no rate of its own."""
    if rate_nanos is None:
        return line(f"{label}, at the input rate", tokens, rates.input_nanos)
    return line(label, tokens, rate_nanos)


def line(label: str, tokens: int, rate_nanos: int) -> ChargeLine:
    return ChargeLine(label, tokens, rate_nanos, tokens * rate_nanos)
