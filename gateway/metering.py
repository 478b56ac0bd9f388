"""Reading usage out of a provider's answers. Pure; bytes go through untouched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from billing.pricing import Tokens
from usage.models import Endpoint

DATA_PREFIX = b"data:"
# No request has so many tokens; a count beyond it is none, and would overflow a cost.
COUNT_MAX = 1_000_000_000


@dataclass(frozen=True, slots=True)
class UsageNames:
    """What OpenAI's `usage` object calls its counts, which differs by endpoint."""

    input: str
    output: str
    # Of an answer that is no text the count of output may be missing: it is 0.
    may_lack_output: bool = True
    # A stream says its usage inside the response that one of these events carries.
    last_events: frozenset[str] = frozenset()
    # An event without any of these need not be parsed.
    marks: tuple[bytes, ...] = (b'"usage"', b"[DONE]")

    def answer_in(self, event: dict[str, Any]) -> object:
        """Return what of a stream's event may report usage."""
        if not self.last_events:
            return event
        return event.get("response") if self.is_last(event) else None

    def is_last(self, event: dict[str, Any]) -> bool:
        kind = event.get("type")
        return isinstance(kind, str) and kind in self.last_events


PROMPT_NAMES = UsageNames("prompt_tokens", "completion_tokens")
RESPONSE_ENDS = ("response.completed", "response.incomplete", "response.failed")
RESPONSE_NAMES = UsageNames(
    "input_tokens",
    "output_tokens",
    may_lack_output=False,
    last_events=frozenset(RESPONSE_ENDS),
    marks=tuple(kind.encode() for kind in RESPONSE_ENDS),
)


def usage_names(endpoint: Endpoint) -> UsageNames:
    return RESPONSE_NAMES if endpoint == Endpoint.RESPONSES else PROMPT_NAMES


def tokens_of(answer: object, names: UsageNames = PROMPT_NAMES) -> Tokens | None:
    """
    Return the tokens that an answer (or a stream's chunk) reports, if it does.

    Input includes cached tokens and those written to the cache, and output reasoning
    ones (OpenAI's `usage` object). Without a count of output or of cache writes there
    are none (embeddings, older models); a garbled one means that nobody knows.
    """
    usage = answer.get("usage") if isinstance(answer, dict) else None
    if not isinstance(usage, dict):
        return None
    counts = {names.output: 0, **usage} if names.may_lack_output else usage
    input_tokens, output_tokens = whole(usage, names.input), whole(counts, names.output)
    details = usage.get(f"{names.input}_details")
    written_tokens = cache_writes(details)
    if input_tokens is None or output_tokens is None or written_tokens is None:
        return None
    output_details = usage.get(f"{names.output}_details")
    return Tokens(
        input=input_tokens,
        cached_input=whole(details, "cached_tokens") or 0,
        cache_write=written_tokens,
        output=output_tokens,
        reasoning=whole(output_details, "reasoning_tokens") or 0,
    )


def cache_writes(details: object) -> int | None:
    """Return a count that costs more than plain input: a garbled one is not 0."""
    if not isinstance(details, dict) or details.get("cache_write_tokens") is None:
        return 0
    return whole(details, "cache_write_tokens")


def whole(source: object, name: str) -> int | None:
    """Return a count, or None if it is missing or not one."""
    value = source.get(name) if isinstance(source, dict) else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= COUNT_MAX else None


def tokens_of_body(body: bytes, names: UsageNames = PROMPT_NAMES) -> Tokens | None:
    """Return the tokens that an unstreamed answer reports; None if it is garbled."""
    try:
        return tokens_of(orjson.loads(body), names)
    except orjson.JSONDecodeError:
        return None


# A whole answer fits into one event (`response.completed`), escaped at its worst.
EVENT_MAX_BYTES = 16 * 1024 * 1024


class EventTooLong(Exception):
    """A stream does not come to the end of an event."""


@dataclass(slots=True)
class StreamMeter:
    """
    Watches a stream of server-sent events for its usage.

    `feed` returns the bytes to pass on: all of them, or all but the usage chunk if
    the client did not ask for it.
    """

    passes_usage: bool
    names: UsageNames = PROMPT_NAMES
    tokens: Tokens | None = None
    is_complete: bool = False
    _rest: bytes = b""

    def feed(self, part: bytes) -> bytes:
        """
        Take bytes as they come; hold back an event that is not whole yet.

        :raises EventTooLong: if that would take more memory than any answer needs.
        """
        data = self._rest + part if self._rest else part
        end = end_of_events(data)
        self._rest, whole_events = data[end:], data[:end]
        if len(self._rest) > EVENT_MAX_BYTES:
            self._rest = b""
            raise EventTooLong
        if not self._may_matter(whole_events):
            return whole_events
        kept = [e for e in split_events(whole_events) if self._passes(e)]
        return b"".join(kept)

    def finish(self) -> bytes:
        """Return what is left when the stream ends without a last empty line."""
        rest, self._rest = self._rest, b""
        return rest if not rest or self._passes(rest) else b""

    def _may_matter(self, events: bytes) -> bool:
        return any(mark in events for mark in self.names.marks)

    def _passes(self, event: bytes) -> bool:
        chunk = read_event(event)
        if chunk == b"[DONE]":
            self.is_complete = True
        if not isinstance(chunk, dict):
            return True
        if self.names.is_last(chunk):
            self.is_complete = True
        tokens = tokens_of(self.names.answer_in(chunk), self.names)
        if tokens is None:
            return True
        self.tokens = tokens
        return self.passes_usage or bool(chunk.get("choices"))


def end_of_events(data: bytes) -> int:
    """Return the position after the last whole event (0 if there is none)."""
    ends = [data.rfind(mark) + len(mark) for mark in (b"\n\n", b"\r\n\r\n")]
    found = [end for end, mark in zip(ends, (2, 4), strict=True) if end >= mark]
    return max(found, default=0)


def split_events(data: bytes) -> list[bytes]:
    """Split whole events, each with the empty line that ends it."""
    mark = b"\r\n\r\n" if b"\r\n\r\n" in data else b"\n\n"
    events = data.split(mark)
    return [event + mark for event in events[:-1]] + [e for e in events[-1:] if e]


def read_event(event: bytes) -> dict[str, Any] | bytes | None:
    """Return an event's JSON object, b"[DONE]", or None for anything else."""
    lines = event.splitlines()
    parts = [line[5:].strip() for line in lines if line.startswith(DATA_PREFIX)]
    data = b"\n".join(parts)
    if data == b"[DONE]":
        return data
    try:
        chunk = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return chunk if isinstance(chunk, dict) else None
