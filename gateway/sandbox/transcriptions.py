"""The sandbox's transcripts: made-up texts, as long as the recording says it is."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

from gateway.calls.sound import seconds_max
from gateway.payloads import Payload, StoredForm
from gateway.sandbox.texts import (
    STREAM_HEADERS,
    Answered,
    Choice,
    Events,
    as_event,
    choose,
    in_one_piece,
    seed_of,
)

# What a recording is taken for whose length nobody can tell.
BYTES_PER_S = 16_000
AUDIO_TOKENS_PER_S = 10
# Within the windows of all models that write down.
AUDIO_TOKENS_MAX, TEXT_TOKENS_MAX = 15_000, 400
BY_DURATION = ("whisper", "gpt-transcribe")


def transcribe(payload: Payload, pace_s: float) -> Answered:
    """Return a transcript: the same for a recording of the same length."""
    assert not isinstance(payload, bytes), "recordings come in forms"
    body = dict(payload.fields())
    seconds, model = length_of(payload), body["model"]
    text = choose(model, random.Random(seed_of(model, seconds)), TEXT_TOKENS_MAX)
    usage = usage_of(model, seconds, text)
    if body.get("stream") == "true" and not model.startswith("whisper"):
        return STREAM_HEADERS, events(text, usage, pace_s)
    document = {**told(body, text, seconds), "usage": usage}
    return in_one_piece(document)


def translate(payload: Payload, pace_s: float) -> Answered:
    return transcribe(payload, pace_s)


def told(body: dict[str, Any], text: Choice, seconds: int) -> dict[str, Any]:
    words = "".join(text.pieces)
    segment = {"id": 0, "start": 0.0, "end": float(seconds), "text": words}
    match body.get("response_format"):
        case "verbose_json":
            about = {"task": "transcribe", "language": "english"}
            duration = {"duration": float(seconds), "segments": [segment]}
            return {**about, **duration, "text": words}
        case "diarized_json":
            spoken = {**segment, "id": "seg_0", "type": "transcript.text.segment"}
            spoken["speaker"] = "A"
            duration = {"duration": float(seconds), "segments": [spoken]}
            return {"task": "transcribe", **duration, "text": words}
        case _:
            return {"text": words}


def events(text: Choice, usage: dict[str, Any], pace_s: float) -> Events:
    for piece in text.pieces:
        yield pace_s, as_event({"type": "transcript.text.delta", "delta": piece})
    words = "".join(text.pieces)
    done = {"type": "transcript.text.done", "text": words, "usage": usage}
    yield 0.0, as_event(done)


def length_of(form: StoredForm) -> int:
    length = form.files()[0].length
    told = seconds_max(partial(form.read, 0), length)
    guessed = 1 + length // BYTES_PER_S
    return guessed if told is None else min(told, guessed)


def usage_of(model: str, seconds: int, text: Choice) -> dict[str, Any]:
    if model.startswith(BY_DURATION):
        return {"type": "duration", "seconds": seconds}
    audio = min(AUDIO_TOKENS_PER_S * seconds, AUDIO_TOKENS_MAX)
    return {
        "type": "tokens",
        "input_tokens": audio,
        "input_token_details": {"audio_tokens": audio, "text_tokens": 0},
        "output_tokens": len(text.pieces),
        "total_tokens": audio + len(text.pieces),
    }
