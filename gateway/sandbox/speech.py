"""The sandbox's speech: silence, as long as the text would take to say."""

from __future__ import annotations

import base64
import struct
from typing import Any

import orjson

from gateway import tokens
from gateway.payloads import Payload
from gateway.sandbox.texts import STREAM_HEADERS, Answered, Events, as_event

CHARACTERS_PER_S = 15
SECONDS_MAX = 60
TOKENS_PER_S = 20
SAMPLE_RATE = 24_000
PIECES = 4
# A frame of MPEG 1 layer III: 128 kbit/s at 44.1 kHz, with nothing in it.
MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)
MP3_FRAMES_PER_S = 38


def speak(payload: Payload, pace_s: float) -> Answered:
    """Return silence in the format that was asked for, or as WAV."""
    assert isinstance(payload, bytes), "a text needs no file"
    body: dict[str, Any] = orjson.loads(payload)
    seconds = min(1 + len(body["input"]) // CHARACTERS_PER_S, SECONDS_MAX)
    kind, sound = silence(body.get("response_format") or "mp3", seconds)
    pieces = split(sound)
    if body.get("stream_format") == "sse":
        return STREAM_HEADERS, events(body, pieces, seconds, pace_s)
    return [(b"content-type", kind)], ((pace_s, piece) for piece in pieces)


def silence(wanted: str, seconds: int) -> tuple[bytes, bytes]:
    """Return so much silence and its media type."""
    if wanted == "mp3":
        return b"audio/mpeg", MP3_FRAME * (MP3_FRAMES_PER_S * seconds)
    samples = bytes(2 * SAMPLE_RATE * seconds)
    if wanted == "pcm":
        return b"audio/pcm", samples
    layout = struct.pack("<HHIIHH", 1, 1, SAMPLE_RATE, 2 * SAMPLE_RATE, 2, 16)
    head = b"WAVEfmt " + struct.pack("<I", len(layout)) + layout
    data = b"data" + struct.pack("<I", len(samples)) + samples
    return b"audio/wav", b"RIFF" + struct.pack("<I", len(head + data)) + head + data


def events(
    body: dict[str, Any], pieces: list[bytes], seconds: int, pace_s: float
) -> Events:
    for piece in pieces:
        sound = base64.b64encode(piece).decode()
        yield pace_s, as_event({"type": "speech.audio.delta", "audio": sound})
    asked, made = tokens.count(body["model"], body["input"]), TOKENS_PER_S * seconds
    usage = {
        "input_tokens": asked,
        "output_tokens": made,
        "total_tokens": asked + made,
    }
    yield 0.0, as_event({"type": "speech.audio.done", "usage": usage})


def split(sound: bytes) -> list[bytes]:
    size = -(-len(sound) // PIECES)
    return [sound[start : start + size] for start in range(0, len(sound), size)]
