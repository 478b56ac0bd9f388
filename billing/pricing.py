"""What tokens cost. Pure: no database, no clock, no settings."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from operator import add
from typing import NamedTuple

# The price that holds where a request names no service tier.
STANDARD_TIER = ""


@dataclass(frozen=True, slots=True)
class Rates:
    """
    Nano-dollars per token by kind, per character read aloud, per second of sound.

    None means unpriced, never free.
    """

    price_id: int
    model: str
    input_nanos: int | None
    cached_input_nanos: int | None
    output_nanos: int | None
    max_output_tokens: int | None
    context_window: int | None
    cache_write_nanos: int | None = None
    long_context: LongContext | None = None
    audio_input_nanos: int | None = None
    cached_audio_input_nanos: int | None = None
    image_input_nanos: int | None = None
    cached_image_input_nanos: int | None = None
    audio_output_nanos: int | None = None
    image_output_nanos: int | None = None
    character_nanos: int | None = None
    second_nanos: int | None = None
    tier: str = STANDARD_TIER
    # What may be charged instead, where that can be dearer: a bound covers it too.
    alternative: Rates | None = None

    def at_length(self, input_tokens: int) -> Rates:
        """Return the rates of every token of a request with so much input."""
        long = self.long_context
        return self if long is None or input_tokens <= long.above else long.rates

    @property
    def price_something(self) -> bool:
        units = (self.input_nanos, self.character_nanos, self.second_nanos)
        return units != (None, None, None)

    @property
    def prices_text(self) -> bool:
        return self.input_nanos is not None and self.output_nanos is not None

    @property
    def highest_input_nanos(self) -> int:
        """The most that one input token of text can cost; 0 if it is unpriced."""
        return highest_of(self, TEXT_INPUT)


@dataclass(frozen=True, slots=True)
class LongContext:
    """Other rates, for all tokens of a request with more than `above` of input."""

    above: int
    rates: Rates


@dataclass(frozen=True, slots=True)
class Tokens:
    """
    What one request used.

    `input` and `output` are totals. Of the input are text, `audio_input` and
    `image_input`; of each, some is cached (`cached_input` is all of it, sound and
    images too) or, of text, written to the cache. Of the output are text with
    `reasoning`, `audio_output` and `image_output`. All as in OpenAI's `usage`
    objects. `characters` are read aloud, `seconds` of sound are heard.
    """

    input: int = 0
    cached_input: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    audio_input: int = 0
    cached_audio_input: int = 0
    image_input: int = 0
    cached_image_input: int = 0
    audio_output: int = 0
    image_output: int = 0
    characters: int = 0
    seconds: int = 0

    @property
    def are_text(self) -> bool:
        return not (
            self.audio_input
            or self.image_input
            or self.audio_output
            or self.image_output
            or self.characters
            or self.seconds
        )

    def plus(self, other: Tokens) -> Tokens:
        """Return what two requests used together."""
        return Tokens(*map(add, astuple(self), astuple(other)))

    def with_more_output(self, count: int) -> Tokens:
        return replace(self, output=self.output + count)


class Charge(NamedTuple):
    """
    A quantity of one kind and the rate that applies: None if there is none.

    `kind` is the name of a rate, without its unit. No quantity is in two charges.
    """

    kind: str
    quantity: int
    rate_nanos: int | None


def cost_nanos(rates: Rates, tokens: Tokens) -> int:
    """
    Return what it costs, in nano-dollars, without what has no rate.

    `unpriced_kinds` says whether anything was left out.
    """
    if tokens.are_text:
        return text_cost_nanos(rates, tokens)
    return sum(
        quantity * rate
        for _, quantity, rate in charges_of(rates, tokens)
        if quantity and rate
    )


def text_cost_nanos(rates: Rates, tokens: Tokens) -> int:
    """Return the sum of `charges_of` for text alone: of every request the usual."""
    rates = rates.at_length(tokens.input)
    written = min(tokens.cache_write, tokens.input)
    cached = min(tokens.cached_input, tokens.input - written)
    as_text = rates.input_nanos
    return (
        (tokens.input - written - cached) * (as_text or 0)
        + cached * (own(rates.cached_input_nanos, as_text) or 0)
        + written * (own(rates.cache_write_nanos, as_text) or 0)
        + tokens.output * (rates.output_nanos or 0)
    )


def unpriced_kinds(rates: Rates, tokens: Tokens) -> list[str]:
    """Return what was used and has no rate: nobody here knows what it costs."""
    if tokens.are_text and rates.prices_text:
        return []
    return [
        kind
        for kind, quantity, rate in charges_of(rates, tokens)
        if quantity and rate is None
    ]


def charges_of(rates: Rates, tokens: Tokens) -> tuple[Charge, ...]:
    """
    Return each kind with its quantity and rate: what a cost is the sum of.

    Without a rate of their own, cached input and cache writes are charged as input
    of their kind, and images as text: that is how OpenAI counts what a chat model
    sees. Sound without a rate is unpriced.
    """
    rates = rates.at_length(tokens.input)
    part = split_input(tokens, images_are_text=rates.image_input_nanos is None)
    sound = min(tokens.audio_output, tokens.output)
    drawn = min(tokens.image_output, tokens.output - sound)
    as_text, as_sound = rates.input_nanos, rates.audio_input_nanos
    return (
        Charge("input", part.text, as_text),
        Charge("cached_input", part.cached, own(rates.cached_input_nanos, as_text)),
        Charge("cache_write", part.written, own(rates.cache_write_nanos, as_text)),
        Charge("audio_input", part.audio, as_sound),
        Charge(
            "cached_audio_input",
            part.cached_audio,
            own(rates.cached_audio_input_nanos, as_sound),
        ),
        Charge("image_input", part.image, rates.image_input_nanos),
        Charge(
            "cached_image_input",
            part.cached_image,
            own(rates.cached_image_input_nanos, rates.image_input_nanos),
        ),
        Charge("output", tokens.output - sound - drawn, rates.output_nanos),
        Charge("audio_output", sound, rates.audio_output_nanos),
        Charge("image_output", drawn, rates.image_output_nanos),
        Charge("character", tokens.characters, rates.character_nanos),
        Charge("second", tokens.seconds, rates.second_nanos),
    )


def own(rate: int | None, otherwise: int | None) -> int | None:
    return otherwise if rate is None else rate


class InputParts(NamedTuple):
    """Input tokens by kind, each in one part only: together, all of them."""

    text: int
    cached: int
    written: int
    audio: int
    cached_audio: int
    image: int
    cached_image: int


def split_input(tokens: Tokens, *, images_are_text: bool) -> InputParts:
    """
    Return input tokens by kind.

    A report of more than there are is read as the dearer: of sound rather than of
    text, written rather than cached. Cached tokens of no stated kind are text.
    """
    audio = min(tokens.audio_input, tokens.input)
    cached_audio = min(tokens.cached_audio_input, audio)
    image = cached_image = 0
    if not images_are_text:
        image = min(tokens.image_input, tokens.input - audio)
        cached_image = min(tokens.cached_image_input, image)
    text = tokens.input - audio - image
    written = min(tokens.cache_write, text)
    cached = max(tokens.cached_input - cached_audio - cached_image, 0)
    cached = min(cached, text - written)
    return InputParts(
        text=text - written - cached,
        cached=cached,
        written=written,
        audio=audio - cached_audio,
        cached_audio=cached_audio,
        image=image - cached_image,
        cached_image=cached_image,
    )


class Unpriced(Exception):
    """A request can use what has no rate. Names the rate, without its unit."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def highest_cost_nanos(
    rates: Rates,
    *,
    input_tokens: int = 0,
    audio_input_tokens: int = 0,
    image_input_tokens: int = 0,
    output_tokens: int = 0,
    audio_output_tokens: int = 0,
    image_output_tokens: int = 0,
    characters: int = 0,
    seconds: int = 0,
) -> int:
    """
    Return the most that a request can cost with at most so much of everything.

    Totals of tokens, and how many of them can be sound or images at most. Few tokens
    have the standard rates even where the long ones are lower: both count.

    :raises Unpriced: if something of it has no rate.
    """
    lengths = rates_that_may_apply(rates, input_tokens)
    read = highest_rate(lengths, input_tokens, TEXT_INPUT)
    written = highest_rate(lengths, output_tokens, WRITTEN)
    heard_or_seen = audio_input_tokens or image_input_tokens or seconds
    if not (heard_or_seen or audio_output_tokens or image_output_tokens or characters):
        return input_tokens * read + output_tokens * written
    return (
        dearest_mix(
            input_tokens,
            read,
            (audio_input_tokens, highest_rate(lengths, audio_input_tokens, HEARD)),
            # Without a rate of their own images are charged as text.
            (image_input_tokens, highest_seen(lengths, image_input_tokens)),
        )
        + dearest_mix(
            output_tokens,
            written,
            (audio_output_tokens, highest_rate(lengths, audio_output_tokens, SPOKEN)),
            (image_output_tokens, highest_rate(lengths, image_output_tokens, DRAWN)),
        )
        + characters * highest_rate(lengths, characters, READ_ALOUD)
        + seconds * highest_rate(lengths, seconds, LISTENED)
    )


def rates_that_may_apply(rates: Rates, input_tokens: int) -> tuple[Rates, ...]:
    long = rates.at_length(input_tokens)
    lengths = (rates,) if long is rates else (rates, long)
    if rates.alternative is None:
        return lengths
    return lengths + rates_that_may_apply(rates.alternative, input_tokens)


def covering(rates: Rates, other: Rates) -> Rates:
    """Return rates whose bounds hold too if the others are charged instead."""
    return replace(rates, alternative=other) if is_dearer(other, rates) else rates


def is_dearer(rates: Rates, other: Rates) -> bool:
    """Say whether some quantity, at some length, costs more by `rates`."""
    return any(
        charged > by_other
        for length in lengths_of(rates, other)
        for charged, by_other in zip(
            each_rate(rates.at_length(length)),
            each_rate(other.at_length(length)),
            strict=True,
        )
    )


def each_rate(rates: Rates) -> list[int]:
    """Return what one of each kind costs; 0 for what has no price."""
    as_text = {
        "image_input": rates.input_nanos,
        "cached_image_input": rates.input_nanos,
    }
    return [
        own(charge.rate_nanos, as_text.get(charge.kind)) or 0
        for charge in charges_of(rates, Tokens())
    ]


def lengths_of(*several: Rates) -> list[int]:
    """Return a length of input below and above each threshold."""
    longs = [rates.long_context for rates in several]
    return [0, *(long.above + 1 for long in longs if long is not None)]


# Of tokens of a kind, the rates that may apply; the first is the one that must be.
TEXT_INPUT = ("input_nanos", "cached_input_nanos", "cache_write_nanos")
HEARD = ("audio_input_nanos", "cached_audio_input_nanos")
SEEN = ("image_input_nanos", "cached_image_input_nanos")
WRITTEN = ("output_nanos",)
SPOKEN = ("audio_output_nanos",)
DRAWN = ("image_output_nanos",)
READ_ALOUD = ("character_nanos",)
LISTENED = ("second_nanos",)


def highest_rate(
    lengths: tuple[Rates, ...], quantity: int, names: tuple[str, ...]
) -> int:
    """
    Return the dearest of some rates at any of the lengths; 0 for no quantity.

    :raises Unpriced: if there is none by the first of the names.
    """
    if not quantity:
        return 0
    highest = 0
    for rates in lengths:
        if getattr(rates, names[0]) is None:
            raise Unpriced(names[0].removesuffix("_nanos"))
        highest = max(highest, highest_of(rates, names))
    return highest


def highest_seen(lengths: tuple[Rates, ...], quantity: int) -> int:
    return max(highest_of(each, SEEN) for each in lengths) if quantity else 0


def highest_of(rates: Rates, names: tuple[str, ...]) -> int:
    return max([getattr(rates, name) or 0 for name in names])


def dearest_mix(total: int, rate: int, *special: tuple[int, int]) -> int:
    """
    Return the most that tokens cost of which some may be of a dearer kind.

    Takes `total` tokens at `rate`, and of each special kind how many of them it can
    be at most, and its rate.
    """
    cost = 0
    dearer = [kind for kind in special if kind[0] and kind[1] > rate]
    for most, special_rate in sorted(dearer, key=lambda kind: -kind[1]):
        taken = min(most, total)
        cost += taken * special_rate
        total -= taken
    return cost + total * rate
