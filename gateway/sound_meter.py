"""Speech on its way to a client: sound taken out of events, and their usage read."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from billing.pricing import Rates, Tokens
from gateway.calls import Call
from gateway.calls.speech import known_usage
from gateway.messages import Headers
from gateway.metering import (
    EVENT_MAX_BYTES,
    EventTooLong,
    end_of_events,
    read_event,
    split_events,
)
from gateway.reports import NOTHING_SAID, Report, report_of, usage_names
from gateway.upstream import Answer, Lost
from usage.models import Endpoint

NAMES = usage_names(Endpoint.AUDIO_SPEECH)
DELTA, DONE = "speech.audio.delta", "speech.audio.done"
SOUND_TYPES = {
    "mp3": b"audio/mpeg",
    "opus": b"audio/opus",
    "aac": b"audio/aac",
    "flac": b"audio/flac",
    "wav": b"audio/wav",
    "pcm": b"audio/pcm",
}


class NoSound(Lost):
    """An event is not what it should be: the provider failed."""


def sound_meter(
    call: Call, rates: Rates | None, answer: Answer
) -> PlainSound | WrappedSound:
    """Return what watches speech: in events, if they came as we asked for them."""
    assert call.facts is not None, "speech is read as sound is"
    if call.facts.wrapped_sound and is_events(answer.headers):
        return WrappedSound()
    return PlainSound(Report(known_usage(rates, call.facts.characters)))


def sound_headers(
    call: Call, headers: Headers, meter: PlainSound | WrappedSound
) -> Headers:
    """Return an answer's headers with the type of the sound that was in the events."""
    if isinstance(meter, PlainSound):
        return headers
    wanted = call.facts.wrapped_sound if call.facts else None
    kind = SOUND_TYPES.get(wanted or "", b"application/octet-stream")
    others = [header for header in headers if header[0] != b"content-type"]
    return [(b"content-type", kind), *others]


def is_events(headers: Headers) -> bool:
    types = (value for name, value in headers if name == b"content-type")
    return next(types, b"").startswith(b"text/event-stream")


@dataclass(slots=True)
class PlainSound:
    """Passes sound that comes as it is; its usage is known, or nobody knows it."""

    report: Report
    # Where it ends nothing says that it is whole, but the connection.
    is_complete: bool = True
    has_ended: bool = False
    tells_failure: bool = False

    @property
    def told(self) -> Tokens | None:
        return self.report.tokens

    def feed(self, part: bytes) -> bytes:
        return part

    def finish(self) -> bytes:
        return b""


@dataclass(slots=True)
class WrappedSound:
    """Takes sound out of a stream of events, whose last one tells its usage."""

    report: Report = NOTHING_SAID
    is_complete: bool = False
    has_ended: bool = False
    tells_failure: bool = False
    _rest: bytes = b""

    @property
    def told(self) -> Tokens | None:
        return self.report.tokens

    def feed(self, part: bytes) -> bytes:
        """
        Take bytes as they come; return the sound in them.

        :raises EventTooLong: if that would take more memory than any event needs.
        :raises NoSound: if the provider reports an error, or something garbled.
        """
        data = self._rest + part
        end = end_of_events(data)
        self._rest = data[end:]
        if len(self._rest) > EVENT_MAX_BYTES:
            raise EventTooLong
        return b"".join(self._sound_of(event) for event in split_events(data[:end]))

    def finish(self) -> bytes:
        rest, self._rest = self._rest, b""
        return self._sound_of(rest) if rest else b""

    def _sound_of(self, event: bytes) -> bytes:
        document = read_event(event)
        if not isinstance(document, dict):
            return b""
        kind = document.get("type")
        if kind == DONE:
            self.is_complete = True
            self.report = report_of(document, NAMES)
        if kind == "error":
            raise NoSound
        return decoded(document.get("audio")) if kind == DELTA else b""


def decoded(sound: object) -> bytes:
    try:
        return base64.b64decode(sound if isinstance(sound, str) else "!", validate=True)
    except binascii.Error:
        raise NoSound from None
