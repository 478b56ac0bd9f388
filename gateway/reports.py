"""
What providers report of usage, read into tokens by kind. Pure.

OpenAI's usage objects differ by endpoint: in their names, in what they leave unsaid,
and in where a stream has them. Shapes: the types of the openai package.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import orjson

from billing.pricing import Tokens
from usage.models import Endpoint

# No request has so many tokens; a count beyond it is none, and would overflow a cost.
COUNT_MAX = 1_000_000_000


@dataclass(frozen=True, slots=True)
class UsageNames:
    """What a usage object calls its counts, and what it means by leaving one out."""

    input: str
    output: str
    input_details: str
    output_details: str
    # Of an answer that is no text the count of output may be missing: it is 0.
    may_lack_output: bool = False
    # What all input and all output is, if no details say otherwise: the dearest.
    input_is: str = ""
    output_is: str = ""
    # A stream says its usage in one of these events.
    last_events: frozenset[str] = frozenset()
    # Where in that event; empty: beside its type.
    answer_key: str = ""
    # Every such event is of one more image: their usage adds up.
    adds_up: bool = False
    # An event without any of these need not be parsed.
    marks: tuple[bytes, ...] = (b'"usage"', b"[DONE]")

    def answer_in(self, event: dict[str, Any]) -> object:
        """Return what of a stream's event may report usage."""
        if not self.last_events:
            return event
        if not self.is_last(event):
            return None
        return event.get(self.answer_key) if self.answer_key else event

    def is_last(self, event: dict[str, Any]) -> bool:
        kind = event.get("type")
        return isinstance(kind, str) and kind in self.last_events


def ends_in(*events: str) -> dict[str, Any]:
    """Return the names of the events that end a stream, and how to find them."""
    return {
        "last_events": frozenset(events),
        "marks": tuple(event.encode() for event in events),
    }


PROMPT_NAMES = UsageNames(
    "prompt_tokens",
    "completion_tokens",
    "prompt_tokens_details",
    "completion_tokens_details",
    may_lack_output=True,
)
TOTALS = ("input_tokens", "output_tokens")
DETAILS = ("input_tokens_details", "output_tokens_details")
RESPONSE_NAMES = UsageNames(
    *TOTALS,
    *DETAILS,
    answer_key="response",
    **ends_in("response.completed", "response.incomplete", "response.failed"),
)
IMAGE_NAMES = UsageNames(
    *TOTALS,
    *DETAILS,
    input_is="image",
    output_is="image",
    adds_up=True,
    **ends_in("image_generation.completed", "image_edit.completed"),
)
SPEECH_NAMES = UsageNames(
    *TOTALS, *DETAILS, output_is="audio", **ends_in("speech.audio.done")
)
TRANSCRIPT_NAMES = UsageNames(
    *TOTALS,
    "input_token_details",
    "output_token_details",
    input_is="audio",
    **ends_in("transcript.text.done"),
)
NAMES = {
    Endpoint.RESPONSES: RESPONSE_NAMES,
    Endpoint.IMAGES_GENERATIONS: IMAGE_NAMES,
    Endpoint.IMAGES_EDITS: IMAGE_NAMES,
    Endpoint.AUDIO_SPEECH: SPEECH_NAMES,
    Endpoint.AUDIO_TRANSCRIPTIONS: TRANSCRIPT_NAMES,
    Endpoint.AUDIO_TRANSLATIONS: TRANSCRIPT_NAMES,
}


def usage_names(endpoint: Endpoint) -> UsageNames:
    return NAMES.get(endpoint, PROMPT_NAMES)


@dataclass(frozen=True, slots=True)
class Report:
    """What an answer says of itself: None and empty where it does not."""

    tokens: Tokens | None = None
    service_tier: str = ""

    def plus(self, other: Report) -> Report:
        """Return both together; unknown if either is."""
        if self.tokens is None or other.tokens is None:
            return Report(None, other.service_tier)
        return Report(self.tokens.plus(other.tokens), other.service_tier)


NOTHING_SAID = Report()


def report_of_body(body: bytes, names: UsageNames = PROMPT_NAMES) -> Report:
    """Return what an unstreamed answer reports; nothing if it is garbled."""
    try:
        return report_of(orjson.loads(body), names)
    except orjson.JSONDecodeError:
        return NOTHING_SAID


def report_of(answer: object, names: UsageNames = PROMPT_NAMES) -> Report:
    """Return what an answer (or a stream's event) reports."""
    if not isinstance(answer, dict):
        return NOTHING_SAID
    tier = answer.get("service_tier")
    # Postgres keeps no text with NUL.
    told = tier if isinstance(tier, str) and tier.isprintable() else ""
    return Report(tokens_of(answer, names), told)


def tokens_of(answer: object, names: UsageNames = PROMPT_NAMES) -> Tokens | None:
    """
    Return the tokens that an answer (or a stream's event) reports, if it does.

    Totals include their details. A detail that is missing is none; one that is
    garbled or does not fit its total means that nobody knows.
    """
    usage = answer.get("usage") if isinstance(answer, dict) else None
    if not isinstance(usage, dict):
        return None
    if usage.get("type") == "duration":
        return seconds_of(usage)
    given, made = whole(usage, names.input), whole(usage, names.output)
    if made is None and names.may_lack_output and names.output not in usage:
        made = 0
    if given is None or made is None:
        return None
    try:
        tokens = Tokens(
            input=given,
            output=made,
            **input_details(usage.get(names.input_details), given, names.input_is),
            **output_details(usage.get(names.output_details), made, names.output_is),
        )
    except Garbled:
        return None
    return checked(tokens, usage)


class Garbled(Exception):
    """A count that changes the cost is none."""


def input_details(details: object, total: int, otherwise: str) -> dict[str, int]:
    """Return the kinds of the input, by the names of `Tokens`."""
    if not isinstance(details, dict):
        return {f"{otherwise}_input": total} if otherwise else {}
    cached = details.get("cached_tokens_details")
    writes = details.get("cache_write_tokens_details")
    if detail(writes, "ttl_12h_tokens"):
        # A write that is kept for longer has another price than the listed one.
        raise Garbled
    return {
        # Less than there is makes it dearer: what is garbled counts for nothing.
        "cached_input": whole(details, "cached_tokens") or 0,
        "cached_audio_input": whole(cached, "audio_tokens") or 0,
        "cached_image_input": whole(cached, "image_tokens") or 0,
        "cache_write": detail(details, "cache_write_tokens"),
        "audio_input": detail(details, "audio_tokens"),
        "image_input": detail(details, "image_tokens"),
    }


def output_details(details: object, total: int, otherwise: str) -> dict[str, int]:
    """Return the kinds of the output, by the names of `Tokens`."""
    kinds = ("audio_tokens", "image_tokens", "text_tokens")
    told = isinstance(details, dict) and any(kind in details for kind in kinds)
    unstated = {f"{otherwise}_output": total} if otherwise and not told else {}
    return {
        "reasoning": whole(details, "reasoning_tokens") or 0,
        "audio_output": detail(details, "audio_tokens"),
        "image_output": detail(details, "image_tokens"),
    } | unstated


def detail(source: object, name: str) -> int:
    """Return a count of a detail, 0 if it is not there. Raises `Garbled`."""
    if not isinstance(source, dict) or source.get(name) is None:
        return 0
    count = whole(source, name)
    if count is None:
        raise Garbled
    return count


def checked(tokens: Tokens, usage: dict[str, Any]) -> Tokens | None:
    """
    Return tokens whose details fit their totals, else None.

    Some providers leave reasoning out of the output and count it in the total.
    """
    excess = (whole(usage, "total_tokens") or 0) - tokens.input - tokens.output
    if excess > 0:
        if excess != tokens.reasoning:
            return None
        tokens = tokens.with_more_output(excess)
    heard, seen = tokens.audio_input, tokens.image_input
    fits = (
        tokens.cached_input + tokens.cache_write <= tokens.input
        and heard + seen <= tokens.input
        and tokens.cached_audio_input <= heard
        and tokens.cached_image_input <= seen
        and tokens.audio_output + tokens.image_output <= tokens.output
        and tokens.reasoning <= tokens.output
    )
    return tokens if fits else None


def seconds_of(usage: dict[str, Any]) -> Tokens | None:
    """Return the length of sound, every second begun; None if it is garbled."""
    seconds = usage.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    if not 0 <= seconds <= COUNT_MAX:
        return None
    return Tokens(seconds=math.ceil(seconds))


def whole(source: object, name: str) -> int | None:
    """Return a count, or None if it is missing or not one."""
    value = source.get(name) if isinstance(source, dict) else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= COUNT_MAX else None
