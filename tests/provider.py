"""
A provider of our own for tests: speaks OpenAI's HTTP and keeps its own books.

Run as `python -m tests.provider --port P --truth FILE`. Each request that arrives is
written to the truth file, with the tokens it bills, before anything is answered: what
stands there is what a provider would put on its bill, whatever becomes of the answer.

The last message steers it, as JSON: {"output": 7} tokens to answer with,
{"status": 500}, {"pause_s": 0.1} before each chunk, {"drop_after": 3} chunks,
{"drop_answer": true} in the middle of an unstreamed one, {"hang": true},
{"usage": false} to leave usage out, {"tier": "flex"} to have served it so,
{"heard": 9} and {"spoken": 9} tokens of sound, {"chunks": 3} to stream, if not one for
a token;
{"shape": …} is in `tests/provider_shapes.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from dataclasses import dataclass
from typing import Any

import orjson
import uvicorn

from gateway.messages import Receive, Scope, Send
from tests import (
    provider_faults,
    provider_media,
    provider_responses,
    provider_shapes,
)

MODELS = (
    "gpt-4o-mini",
    "gpt-5",
    "gpt-6-sol",
    "text-embedding-3-small",
    "house-special",
)
JSON = (b"content-type", b"application/json")
WORD = {"delta": {"content": "word "}}
SSE = (b"content-type", b"text/event-stream")


@dataclass
class Provider:
    """What it needs to answer and to bill."""

    truth: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await read_body(receive)
        if scope["method"] == "GET":
            self.write_look(scope)
            await answer(send, 200, models(scope["path"]))
            return
        if provider_media.serves(scope["path"]):
            await provider_media.carry_out(self.truth, scope, body, send)
            return
        request = orjson.loads(body)
        orders = orders_of(request)
        usage = bill(request, orders)
        billed = usage if provider_faults.is_billed(orders) else None
        self.write_down(scope, request, orders, billed, bytes_read=len(body))
        await self.carry_out(orders, request, usage, send)

    async def carry_out(
        self, orders: dict[str, Any], request: dict[str, Any], usage: Any, send: Send
    ) -> None:
        if orders.get("fault"):
            await provider_faults.carry_out(orders, request, usage, send)
            return
        if orders.get("hang"):
            await asyncio.sleep(3600)
        if status := orders.get("status"):
            error = {"message": "no", "type": "server_error", "code": "their_own"}
            await answer(send, status, {"error": error})
        elif "shape" in orders:
            await provider_shapes.carry_out(orders, request, usage, send)
        elif is_for_vectors(request):
            await answer(send, 200, embeddings(request, usage))
        elif "moderation" in request["model"]:
            await answer(send, 200, moderation(request))
        elif "input" in request:
            await provider_responses.carry_out(orders, request, usage, send)
        elif request.get("stream"):
            await stream(send, request, orders, usage)
        else:
            await asyncio.sleep(orders.get("pause_s", 0))
            document = completion(request, orders, usage)
            await answer(send, 200, document, drops=orders.get("drop_answer", False))

    def write_look(self, scope: Scope) -> None:
        """Write down the path and query of a request that costs nothing."""
        query = f"?{scope['query_string'].decode()}" if scope["query_string"] else ""
        look = scope["raw_path"].decode() + query
        os.write(self.truth, orjson.dumps({"look": look}) + b"\n")

    def write_down(
        self,
        scope: Scope,
        request: dict[str, Any],
        orders: dict[str, Any],
        usage: Any,
        *,
        bytes_read: int,
    ) -> None:
        headers = dict(scope["headers"])
        line = {
            "path": scope["path"],
            "authorization": headers.get(b"authorization", b"").decode(),
            "organization": headers.get(b"openai-organization", b"").decode(),
            "model": request["model"],
            "service_tier": request.get("service_tier"),
            "most": request.get("max_completion_tokens"),
            "bytes": bytes_read,
            "usage": usage,
            **provider_faults.truth_of(orders, is_streamed=bool(request.get("stream"))),
        }
        os.write(self.truth, orjson.dumps(line) + b"\n")


def models(path: str) -> dict[str, Any]:
    """List the models; or describe the one whose path is asked for, whichever."""
    name = path.partition("/models/")[2]
    return (
        model_of(name)
        if name
        else {
            "object": "list",
            "data": [model_of(name) for name in MODELS],
        }
    )


def model_of(name: str) -> dict[str, Any]:
    about = {"created": 1_700_000_000, "owned_by": "tests"}
    return {"id": name, "object": "model", **about}


async def read_body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def orders_of(request: dict[str, Any]) -> dict[str, Any]:
    messages = request.get("messages") or [{}]
    asked = request.get("prompt") or request.get("input")
    text = asked if isinstance(asked, str) else messages[-1].get("content", "")
    try:
        orders = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return orders if isinstance(orders, dict) else {}


def bill(request: dict[str, Any], orders: dict[str, Any]) -> dict[str, Any]:
    """Bill a token for four bytes of input, and the output that was ordered."""
    fields = ("messages", "input", "prompt")
    asked = orjson.dumps(next(request[name] for name in fields if name in request))
    lengths = ("max_completion_tokens", "max_tokens", "max_output_tokens")
    most = next((request[name] for name in lengths if request.get(name)), 4096)
    choices = max(request.get("n") or 1, request.get("best_of") or 1)
    output = min(orders.get("output", 5), most) * choices
    if is_for_vectors(request):
        output = 0
    return {
        "prompt_tokens": len(asked) // 4 + 1,
        "completion_tokens": output,
        "total_tokens": len(asked) // 4 + 1 + output,
        "prompt_tokens_details": {
            "cached_tokens": orders.get("cached", 0),
            "cache_write_tokens": orders.get("written", 0),
            "audio_tokens": orders.get("heard", 0),
        },
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": orders.get("spoken", 0),
        },
    }


def moderation(request: dict[str, Any]) -> dict[str, Any]:
    """Judge, and report no usage, as OpenAI does."""
    verdict = {"flagged": True, "categories": {}, "category_scores": {}}
    return {"id": "modr-test", "model": request["model"], "results": [verdict]}


def is_for_vectors(request: dict[str, Any]) -> bool:
    return "input" in request and str(request["model"]).startswith("text-embedding")


def completion(
    request: dict[str, Any], orders: dict[str, Any], usage: Any
) -> dict[str, Any]:
    message = {"role": "assistant", "content": "word " * orders.get("output", 5)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    if "prompt" in request:
        choice = {"index": 0, "text": message["content"], "finish_reason": "stop"}
    document = {
        "id": "chatcmpl-test",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": request["model"],
        "choices": [choice],
        **told_tier(orders),
    }
    return document if orders.get("usage") is False else {**document, "usage": usage}


def told_tier(orders: dict[str, Any]) -> dict[str, str]:
    return {"service_tier": orders["tier"]} if "tier" in orders else {}


def embeddings(request: dict[str, Any], usage: Any) -> dict[str, Any]:
    data = [{"object": "embedding", "index": 0, "embedding": [1.0, 0.0]}]
    return {"object": "list", "data": data, "model": request["model"], "usage": usage}


async def stream(
    send: Send, request: dict[str, Any], orders: dict[str, Any], usage: Any
) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [SSE]})
    frame = {
        "id": "chatcmpl-test",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": request["model"],
        **told_tier(orders),
    }
    for number in range(orders.get("chunks", orders.get("output", 5))):
        await asyncio.sleep(orders.get("pause_s", 0))
        if number == orders.get("drop_after", -1):
            raise ConnectionAbortedError("ordered to drop the stream")
        delta = {"text": "word "} if "prompt" in request else WORD
        content = {"index": 0, **delta, "finish_reason": None}
        await event(send, {**frame, "choices": [content]})
    nothing: dict[str, Any] = {"text": ""} if "prompt" in request else {"delta": {}}
    end = {"index": 0, **nothing, "finish_reason": "stop"}
    await event(send, {**frame, "choices": [end]})
    wanted = (request.get("stream_options") or {}).get("include_usage")
    if wanted and orders.get("usage") is not False:
        await event(send, {**frame, "choices": [], "usage": usage})
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


async def event(send: Send, chunk: dict[str, Any]) -> None:
    body = b"data: " + orjson.dumps(chunk) + b"\n\n"
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def answer(
    send: Send, status: int, document: dict[str, Any], *, drops: bool = False
) -> None:
    body = orjson.dumps(document)
    await send({"type": "http.response.start", "status": status, "headers": [JSON]})
    if drops:
        half = body[: len(body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        raise ConnectionAbortedError("ordered to drop the answer")
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--truth", required=True)
    arguments = parser.parse_args()
    truth = os.open(arguments.truth, os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    uvicorn.run(
        Provider(truth),
        port=arguments.port,
        lifespan="off",
        access_log=False,
        log_level="critical",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
