"""How a charge was computed: quantity times rate, line by line. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from billing.pricing import Charge, Rates, Tokens, charges_of

LABELS = {
    "input": "Input",
    "cached_input": "Cached input",
    "cache_write": "Cache write",
    "audio_input": "Audio input",
    "cached_audio_input": "Cached audio input",
    "image_input": "Image input",
    "cached_image_input": "Cached image input",
    "output": "Output",
    "audio_output": "Audio output",
    "image_output": "Image output",
    "character": "Characters read aloud",
    "second": "Seconds of audio",
}
# What a kind is charged as that has no rate of its own.
CHARGED_AS = {
    "cached_input": "input",
    "cache_write": "input",
    "cached_audio_input": "audio input",
    "cached_image_input": "image input",
}


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """A quantity of one kind at its rate in nano-dollars; None if there is none."""

    label: str
    quantity: int
    rate_nanos: int | None

    @property
    def amount_nanos(self) -> int:
        return self.quantity * (self.rate_nanos or 0)

    @property
    def million_nanos(self) -> int:
        """The rate as price lists have it: per million."""
        return (self.rate_nanos or 0) * 1_000_000


def charge_lines(rates: Rates, tokens: Tokens) -> list[ChargeLine]:
    """Return the lines that `pricing.cost_nanos` is the sum of."""
    return [
        ChargeLine(label_of(charge, rates), charge.quantity, charge.rate_nanos)
        for charge in charges_of(rates, tokens)
        if charge.quantity
    ]


def label_of(charge: Charge, rates: Rates) -> str:
    """Return the name of a line; it says so if another kind's rate applies."""
    label = LABELS[charge.kind]
    if charge.rate_nanos is None:
        return f"{label}, without a price"
    if getattr(rates, f"{charge.kind}_nanos") is None:
        return f"{label}, at the {CHARGED_AS[charge.kind]} rate"
    return label


def input_words(tokens: Tokens) -> str:
    """Return how many input tokens there were, and of what kinds."""
    return in_words(
        tokens.input,
        (tokens.audio_input, "of audio"),
        (tokens.image_input, "of images"),
        (tokens.cached_input, "cached"),
        (tokens.cache_write, "written to the cache"),
    )


def output_words(tokens: Tokens) -> str:
    """Return how many output tokens there were, and of what kinds."""
    return in_words(
        tokens.output,
        (tokens.reasoning, "reasoning"),
        (tokens.audio_output, "of audio"),
        (tokens.image_output, "of images"),
    )


def in_words(total: int, *parts: tuple[int, str]) -> str:
    said = ", ".join(f"{count:,} {what}" for count, what in parts if count)
    return f"{total:,}, of them {said}" if said else f"{total:,}"


def length_note(rates: Rates, tokens: Tokens) -> str:
    """Return which of a price's rates were applied; empty if it has only one set."""
    if rates.long_context is None:
        return ""
    above = f"{rates.long_context.above:,} input tokens"
    if tokens.input > rates.long_context.above:
        return f"Long-context rates: more than {above}, so every token costs more."
    return f"Standard rates: no more than {above}. Above it long-context rates apply."
