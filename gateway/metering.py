"""Watching a stream for what it reports of itself; bytes go through untouched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from billing.pricing import Tokens
from gateway.reports import NOTHING_SAID, PROMPT_NAMES, Report, UsageNames, report_of
from gateway.upstream import Lost

DATA_PREFIX = b"data:"
EVENT_ENDS = (b"\n\n", b"\r\n\r\n")
# A whole answer fits into one event (`response.completed`), escaped at its worst.
EVENT_MAX_BYTES = 16 * 1024 * 1024


class EventTooLong(Lost):
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
    report: Report = NOTHING_SAID
    # The stream said so itself (`[DONE]`, `response.completed`).
    is_complete: bool = False
    # The provider sent all of it: nothing was broken off.
    has_ended: bool = False
    tells_failure: bool = True
    # The usage so far came with no more words: it is of the whole answer.
    _is_last_count: bool = False
    _rest: bytes = b""
    _ends: int = 0

    @property
    def tokens(self) -> Tokens | None:
        return self.report.tokens

    @property
    def told(self) -> Tokens | None:
        """
        The usage to charge, if the provider told it.

        Some report usage with each chunk: of a stream that broke off, such a count
        is only of its beginning. So is a sum of images, of which more may come.
        """
        has_last_word = self.is_complete or self._is_last_count
        is_final = self.has_ended or (has_last_word and not self.names.adds_up)
        return self.tokens if is_final else None

    def feed(self, part: bytes) -> bytes:
        """
        Take bytes as they come; hold back an event that is not whole yet.

        :raises EventTooLong: if that would take more memory than any answer needs.
        """
        events = self._rest + part if self._rest else part
        self._rest = b""
        if not events.endswith(EVENT_ENDS):
            end = end_of_events(events)
            events, rest = events[:end], events[end:]
            if len(rest) > EVENT_MAX_BYTES:
                raise EventTooLong
            self._rest = rest
        if not self._may_matter(events):
            return events
        return b"".join([e for e in split_events(events) if self._passes(e)])

    def finish(self) -> bytes:
        """Return what is left when the stream ends without a last empty line."""
        rest, self._rest = self._rest, b""
        return rest if not rest or self._passes(rest) else b""

    def _may_matter(self, events: bytes) -> bool:
        """Asked for usage, OpenAI says `"usage":null` in every event before it."""
        for mark in self.names.marks:
            if mark in events and events.count(mark) > events.count(mark + b":null"):
                return True
        return False

    def _passes(self, event: bytes) -> bool:
        chunk = read_event(event)
        if chunk == b"[DONE]":
            self.is_complete = True
        if not isinstance(chunk, dict):
            return True
        if self.names.is_last(chunk):
            self.is_complete = True
        report = report_of(self.names.answer_in(chunk), self.names)
        if self.names.adds_up and self.names.is_last(chunk):
            # One that does not say what it used makes the sum unknown.
            self.report = self.report.plus(report) if self._ends else report
            self._ends += 1
            return True
        if report.tokens is None:
            return True
        self.report, self._is_last_count = report, not chunk.get("choices")
        return self.passes_usage or bool(chunk.get("choices"))


def end_of_events(data: bytes) -> int:
    """Return the position after the last whole event (0 if there is none)."""
    ends = [data.rfind(mark) + len(mark) for mark in EVENT_ENDS]
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
