"""A thousand streams open at once on one gateway process; and one that idles."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import orjson

from bench.figures import Figure
from bench.installation import furnish, installation
from bench.load import MESSAGES
from bench.processes import OTHER_CORE, SERVED_CORE, Server, measure, serving

STREAMS = 1000
READ_BYTES = 65_536


@dataclass
class Seen:
    """What became of the streams so far."""

    begun: int = 0
    whole: int = 0
    errors: list[str] = field(default_factory=list)
    # All of them, before the first ended.
    open_at_once: int = 0


def run() -> dict[str, float]:
    with (
        installation(),
        serving("bench.upstream:application", core=OTHER_CORE) as upstream,
        serving("config.asgi:application", core=SERVED_CORE) as gateway,
    ):
        idle_mb = gateway.memory_mb()
        key = furnish(upstream.port)
        measure(gateway.port, key, connections=8, seconds=1)
        return {"idle_mb": idle_mb, **asyncio.run(open_all(gateway, key))}


async def open_all(gateway: Server, key: str) -> dict[str, float]:
    """Open every stream, watch the memory until the last has ended."""
    before_mb, peak_mb, seen = gateway.memory_mb(), 0.0, Seen()
    tasks = [asyncio.create_task(read(gateway.port, key, seen)) for _ in range(STREAMS)]
    everything = asyncio.gather(*tasks)
    while not everything.done():
        peak_mb = max(peak_mb, gateway.memory_mb())
        seen.open_at_once = max(seen.open_at_once, seen.begun - seen.whole)
        await asyncio.sleep(0.2)
    for error in sorted(set(seen.errors)):
        print(f"{seen.errors.count(error)} streams: {error}")
    return {
        "before_mb": before_mb,
        "peak_mb": peak_mb,
        "after_mb": gateway.memory_mb(),
        "open_at_once": seen.open_at_once,
        "whole": seen.whole,
        "errors": len(seen.errors),
    }


async def read(port: int, key: str, seen: Seen) -> None:
    """Read one stream to its end."""
    received = b""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request_bytes(key))
        while part := await reader.read(READ_BYTES):
            seen.begun += not received
            received += part
    except OSError as error:
        seen.errors.append(type(error).__name__)
        return
    writer.close()
    if received.startswith(b"HTTP/1.1 200") and b"data: [DONE]" in received:
        seen.whole += 1
    else:
        seen.errors.append(received[:80].decode("latin-1"))


def request_bytes(key: str) -> bytes:
    document = {"model": "gpt-4o-mini", "messages": MESSAGES, "max_tokens": 64}
    body = orjson.dumps({**document, "stream": True, "user": "slow"})
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        f"authorization: Bearer {key}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def figures(result: dict[str, float]) -> list[Figure]:
    return [
        Figure(
            "memory of an idle gateway process", result["idle_mb"], "MB", at_most=120
        ),
        Figure(
            "streams open at once", result["open_at_once"], "streams", at_least=STREAMS
        ),
        Figure("streams that failed", result["errors"], "streams", at_most=0),
        Figure("memory meanwhile, at most", result["peak_mb"], "MB", at_most=250),
    ]


def table(result: dict[str, float]) -> str:
    return (
        f"memory MB: idle {result['idle_mb']:.0f}, after some load "
        f"{result['before_mb']:.0f}, with {result['open_at_once']:.0f} streams "
        f"{result['peak_mb']:.0f}, afterwards {result['after_mb']:.0f}"
    )
