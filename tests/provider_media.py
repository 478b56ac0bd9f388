"""
The stand-in provider's answers to requests for images and sound.

The prompt (of speech: the input) steers it, as JSON: {"output": 7} tokens of an image
or of sound, {"status": 500}, {"usage": false}, {"drop_after": 2} events or parts of
sound, {"ends": "error"} for an event that says so, {"unended": true} for a last event
without its empty line, {"seconds": 12.4} that it heard.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import Iterator
from typing import Any

import orjson

from gateway.messages import Scope, Send

JSON = (b"content-type", b"application/json")
SSE = (b"content-type", b"text/event-stream")
PNG = base64.b64encode(b"\x89PNG an image").decode()
SOUND = [bytes([number]) * 100 for number in range(5)]
SEGMENTS = [
    {"id": 0, "start": 0.0, "end": 1.5, "text": " Good morning."},
    {"id": 1, "start": 1.5, "end": 3661.25, "text": " Good night."},
]
TEXT = "Good morning. Good night."


def serves(path: str) -> bool:
    return "/images/" in path or "/audio/" in path


async def carry_out(truth: int, scope: Scope, body: bytes, send: Send) -> None:
    headers = dict(scope["headers"])
    request, files = read(headers.get(b"content-type", b"").decode(), body)
    orders = orders_of(request)
    path = scope["path"].removeprefix("/v1")
    usage = bill(path, request, files, orders)
    line = {
        "path": scope["path"],
        "model": request["model"],
        "usage": usage if orders.get("status") is None else None,
        "bytes": len(body),
        "stated_bytes": int(headers.get(b"content-length", b"-1")),
        "request": {k: v for k, v in request.items() if len(str(v)) < 500},
        "files": files,
    }
    os.write(truth, orjson.dumps(line) + b"\n")
    if status := orders.get("status"):
        error = {"message": "no", "type": "server_error", "code": "their_own"}
        await whole(send, status, JSON, orjson.dumps({"error": error}))
    elif path == "/audio/speech":
        await speak(request, orders, usage, send)
    elif path.startswith("/images/"):
        await draw(path, request, orders, usage, send)
    else:
        await write_down(request, orders, usage, send)


def read(content_type: str, body: bytes) -> tuple[dict[str, Any], list[Any]]:
    """Return the fields of JSON or of a form, and what is to be known of files."""
    if "multipart/form-data" not in content_type:
        return orjson.loads(body), []
    boundary = content_type.partition("boundary=")[2].strip('"').encode()
    fields: dict[str, Any] = {}
    files = []
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        content = content.removesuffix(b"\r\n")
        name = head.partition(b'name="')[2].partition(b'"')[0].decode()
        if b'filename="' in head:
            digest = hashlib.sha256(content).hexdigest()
            files.append([name, head.decode(), len(content), digest])
        else:
            assert name not in fields or name.endswith("[]"), "given twice"
            fields[name] = content.decode()
    return fields, files


def orders_of(request: dict[str, Any]) -> dict[str, Any]:
    try:
        orders = orjson.loads(request.get("prompt") or request.get("input") or "")
    except orjson.JSONDecodeError:
        return {}
    return orders if isinstance(orders, dict) else {}


def bill(
    path: str, request: dict[str, Any], files: list[Any], orders: dict[str, Any]
) -> dict[str, Any]:
    if path.startswith("/images/"):
        return image_bill(request, files, orders)
    if path == "/audio/speech":
        if request["model"].startswith("tts-"):
            return {"characters": len(request["input"])}
        asked, made = len(request["input"]) // 4 + 1, orders.get("output", 40)
        return totals(asked, made)
    if request["model"] in ("whisper-1", "gpt-transcribe"):
        return {"type": "duration", "seconds": orders.get("seconds", 3.2)}
    details = {"audio_tokens": 90, "text_tokens": 10}
    return {"type": "tokens", "input_token_details": details, **totals(100, 20)}


def image_bill(
    request: dict[str, Any], files: list[Any], orders: dict[str, Any]
) -> dict[str, Any]:
    count = int(request.get("n") or 1)
    text = count * (len(request.get("prompt") or "") // 4 + 1)
    seen = count * 194 * (len(files) + len(request.get("images") or ()))
    drawn = count * orders.get("output", 100)
    return {
        **totals(text + seen, drawn),
        "input_tokens_details": {"text_tokens": text, "image_tokens": seen},
        "output_tokens_details": {"text_tokens": 0, "image_tokens": drawn},
    }


def totals(asked: int, made: int) -> dict[str, int]:
    return {
        "input_tokens": asked,
        "output_tokens": made,
        "total_tokens": asked + made,
    }


async def draw(
    path: str, request: dict[str, Any], orders: dict[str, Any], usage: Any, send: Send
) -> None:
    said = {} if orders.get("usage") is False else {"usage": usage}
    about = {"background": "opaque", "output_format": "png", "quality": "low"}
    if request.get("stream") not in (True, "true"):
        data = [{"b64_json": PNG}] * int(request.get("n") or 1)
        document = {"created": 1, **about, "data": data, "size": "1024x1024", **said}
        await whole(send, 200, JSON, orjson.dumps(document))
        return
    kind = "image_edit" if path == "/images/edits" else "image_generation"
    image = {"b64_json": PNG, "created_at": 1, "size": "1024x1024", **about}
    partial = [
        {"type": f"{kind}.partial_image", "partial_image_index": number, **image}
        for number in range(int(request.get("partial_images") or 0))
    ]
    await stream(
        send, orders, [*partial, {"type": f"{kind}.completed", **image, **said}]
    )


async def speak(
    request: dict[str, Any], orders: dict[str, Any], usage: Any, send: Send
) -> None:
    if request.get("stream_format") == "sse" and not orders.get("ignores_sse"):
        await stream(send, orders, list(spoken(orders, usage)))
        return
    headers = [(b"content-type", b"audio/mpeg")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for number, part in enumerate(SOUND):
        drop(orders, number)
        await send({"type": "http.response.body", "body": part, "more_body": True})
        await asyncio.sleep(orders.get("pause_s", 0))
    await send({"type": "http.response.body", "body": b""})


def spoken(orders: dict[str, Any], usage: Any) -> Iterator[dict[str, Any]]:
    for part in SOUND:
        sound = base64.b64encode(part).decode()
        yield {"type": "speech.audio.delta", "audio": sound}
    if orders.get("ends") == "error":
        yield {"type": "error", "error": {"message": "no more"}}
        return
    if orders.get("ends") == "garbled":
        yield {"type": "speech.audio.delta", "audio": "no sound"}
        return
    said = {} if orders.get("usage") is False else {"usage": usage}
    yield {"type": "speech.audio.done", **said}


async def write_down(
    request: dict[str, Any], orders: dict[str, Any], usage: Any, send: Send
) -> None:
    wanted = request.get("response_format") or "json"
    said = {} if orders.get("usage") is False else {"usage": usage}
    if request.get("stream") == "true" and request["model"] != "whisper-1":
        pieces = [{"type": "transcript.text.delta", "delta": p} for p in TEXT.split()]
        done = {"type": "transcript.text.done", "text": TEXT, **said}
        await stream(send, orders, [*pieces, done])
    elif wanted in ("text", "srt", "vtt"):
        kind = (b"content-type", b"text/plain; charset=utf-8")
        await whole(send, 200, kind, b"as the provider writes it\n")
    else:
        document = {"text": TEXT}
        if wanted != "json":
            document |= {"task": "transcribe", "language": "english"}
            document |= {"duration": orders.get("seconds", 3.2)}
            document |= {"segments": orders.get("segments", SEGMENTS)}
        await whole(send, 200, JSON, orjson.dumps({**document, **said}))


async def stream(
    send: Send, orders: dict[str, Any], events: list[dict[str, Any]]
) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [SSE]})
    for number, event in enumerate(events):
        drop(orders, number)
        kind = event["type"].encode()
        body = b"event: " + kind + b"\ndata: " + orjson.dumps(event) + b"\n\n"
        if orders.get("unended") and number == len(events) - 1:
            body = body.removesuffix(b"\n\n")
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await asyncio.sleep(orders.get("pause_s", 0))
    await send({"type": "http.response.body", "body": b""})


def drop(orders: dict[str, Any], number: int) -> None:
    if number == orders.get("drop_after", -1):
        raise ConnectionAbortedError("ordered to drop the stream")


async def whole(
    send: Send, status: int, kind: tuple[bytes, bytes], body: bytes
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [kind]})
    await send({"type": "http.response.body", "body": body})
