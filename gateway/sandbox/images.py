"""The sandbox's images: one color each, priced like real ones."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import orjson

from gateway import tokens
from gateway.calls.image_tokens import PARTIAL_TOKENS, drawn_tokens
from gateway.payloads import Payload
from gateway.sandbox.texts import (
    STREAM_HEADERS,
    Answered,
    Events,
    as_event,
    in_one_piece,
    new_instant,
    seed_of,
)

SIDE_PIXELS = 8
QUALITY, SIZE = "medium", "1024x1024"
# Of models that state nothing: little, so that it is within any bound.
UNSTATED_TOKENS = 272
# What an image that is sent along counts: one tile.
SEEN_TOKENS = 194
PNG_HEAD = b"\x89PNG\r\n\x1a\n"


def draw(payload: Payload, pace_s: float) -> Answered:
    """Return images for a prompt: the same for the same prompt."""
    assert isinstance(payload, bytes), "a new image needs no file"
    body = orjson.loads(payload)
    text = tokens.count(body["model"], body.get("prompt") or "")
    return answered(body, "image_generation", text, seen=0, pace_s=pace_s)


def redraw(payload: Payload, pace_s: float) -> Answered:
    """Return edited images. They show nothing of what they were."""
    if isinstance(payload, bytes):
        body = orjson.loads(payload)
        seen, text = len(body.get("images") or ()), len(payload) // 8
    else:
        body = dict(payload.fields())
        seen, text = len(payload.files()), payload.text_length // 8
    return answered(body, "image_edit", text, seen=seen, pace_s=pace_s)


def answered(
    body: dict[str, Any], kind: str, text: int, *, seen: int, pace_s: float
) -> Answered:
    count = int(body.get("n") or 1)
    partial = int(body.get("partial_images") or 0)
    is_streamed = body.get("stream") in (True, "true")
    # A stream tells the usage of each image by itself.
    counted, partial = (1, partial) if is_streamed else (count, 0)
    usage = usage_of(body, counted, text, seen, partial)
    images = [image(f"{seed_of(body)}:{number}") for number in range(count)]
    if is_streamed:
        return STREAM_HEADERS, events(body, kind, images, partial, usage, pace_s)
    data = [{"b64_json": each} for each in images]
    return in_one_piece({**frame(body), "data": data, "usage": usage})


def events(
    body: dict[str, Any],
    kind: str,
    images: list[str],
    partial: int,
    usage: dict[str, Any],
    pace_s: float,
) -> Events:
    about = {"created_at": new_instant(), **frame(body)}
    del about["created"]
    for number in range(partial):
        yield (
            pace_s,
            named(
                f"{kind}.partial_image",
                {"b64_json": images[0], "partial_image_index": number, **about},
            ),
        )
    for each in images:
        document = {"b64_json": each, **about, "usage": usage}
        yield pace_s, named(f"{kind}.completed", document)


def named(kind: str, document: dict[str, Any]) -> bytes:
    head = f"event: {kind}\n".encode()
    return head + as_event({"type": kind, **document})


def frame(body: dict[str, Any]) -> dict[str, Any]:
    quality, size = body.get("quality"), body.get("size")
    return {
        "created": new_instant(),
        "background": "opaque",
        "output_format": "png",
        "quality": quality if quality in ("low", "medium", "high") else QUALITY,
        "size": SIZE if size in (None, "auto") else size,
    }


def usage_of(
    body: dict[str, Any], count: int, text: int, seen: int, partial: int
) -> dict[str, Any]:
    about = frame(body)
    drawn = drawn_tokens(body["model"], quality=about["quality"], size=about["size"])
    output = count * ((drawn or UNSTATED_TOKENS) + PARTIAL_TOKENS * partial)
    text, images = count * text, count * seen * SEEN_TOKENS
    return {
        "input_tokens": text + images,
        "input_tokens_details": {"text_tokens": text, "image_tokens": images},
        "output_tokens": output,
        "output_tokens_details": {"text_tokens": 0, "image_tokens": output},
        "total_tokens": text + images + output,
    }


def image(seed: str) -> str:
    """Return a small PNG of one color, in base64."""
    color = bytes.fromhex(seed_of(seed)[:6])
    rows = (b"\0" + color * SIDE_PIXELS) * SIDE_PIXELS
    head = struct.pack(">IIBBBBB", SIDE_PIXELS, SIDE_PIXELS, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return base64.b64encode(PNG_HEAD + b"".join(written(chunks))).decode()


def written(chunks: tuple[tuple[bytes, bytes], ...]) -> Iterator[bytes]:
    for kind, data in chunks:
        check = zlib.crc32(kind + data)
        yield struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)
