"""
Transcripts in the formats that tell no usage, made from those that do. Pure.

A provider that is asked for plain text or subtitles does not say what it charges. So
it is asked for JSON, and the client gets what it wanted.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import orjson

from gateway.reports import COUNT_MAX

TEXT_TYPE = (b"content-type", b"text/plain; charset=utf-8")
JSON_TYPE = (b"content-type", b"application/json")


def told_as(wanted: str, body: bytes) -> tuple[bytes, tuple[bytes, bytes]] | None:
    """
    Return a transcript in the format that is wanted, and its content type.

    None if the answer is not what was asked for: then it passes as it is.
    """
    with contextlib.suppress(KeyError, TypeError, AttributeError, OverflowError):
        return told_of(wanted, parsed(body))
    return None


def told_of(
    wanted: str, document: dict[str, Any] | None
) -> tuple[bytes, tuple[bytes, bytes]] | None:
    text = document.get("text") if document else None
    if document is None or not isinstance(text, str):
        return None
    if wanted == "json":
        return orjson.dumps({"text": text}), JSON_TYPE
    if wanted == "text":
        return f"{text}\n".encode(), TEXT_TYPE
    lines = subtitles(document, with_hours=wanted == "srt")
    head = "" if wanted == "srt" else "WEBVTT\n\n"
    return (head + "\n".join(lines)).encode(), TEXT_TYPE


def subtitles(document: dict[str, Any], *, with_hours: bool) -> Iterator[str]:
    """Yield the lines of SubRip (numbered, always with hours) or WebVTT."""
    for number, segment in enumerate(document.get("segments") or (), start=1):
        start, end = (
            instant(segment[name], with_hours=with_hours) for name in ("start", "end")
        )
        if with_hours:
            yield str(number)
        yield f"{start} --> {end}"
        yield f"{segment['text'].strip().replace('-->', '->')}\n"


def instant(seconds: float, *, with_hours: bool) -> str:
    """Return a moment of a recording: `00:01:02,345` in SubRip, `01:02.345` else."""
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    minutes, second = divmod(whole, 60)
    hour, minute = divmod(minutes, 60)
    if with_hours:
        return f"{hour:02}:{minute:02}:{second:02},{thousandths:03}"
    hours = f"{hour:02}:" if hour else ""
    return f"{hours}{minute:02}:{second:02}.{thousandths:03}"


def heard_seconds(body: bytes) -> int | None:
    """Return how long a recording was, where an answer tells its `duration`."""
    document = parsed(body)
    duration = document.get("duration") if document else None
    if isinstance(duration, bool) or not isinstance(duration, int | float):
        return None
    return math.ceil(duration) if 0 <= duration <= COUNT_MAX else None


def parsed(body: bytes) -> dict[str, Any] | None:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None
