"""A load of keep-alive connections from one process; prints one JSON line.

`python -m bench.load --port P --key K --connections N --seconds S [--stream]`
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass, field
from typing import cast

import orjson
import uvloop

MESSAGES = [{"role": "user", "content": "What does a token cost? " * 4}]


def request_bytes(key: str, *, streamed: bool) -> bytes:
    document = {"model": "gpt-4o-mini", "messages": MESSAGES, "max_tokens": 64}
    if streamed:
        document["stream"] = True
    body = orjson.dumps(document)
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
        f"authorization: Bearer {key}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass
class Tally:
    """What came back: latencies in ms of whole answers and of first bytes."""

    ends: float
    whole_ms: list[float] = field(default_factory=list)
    first_ms: list[float] = field(default_factory=list)
    failures: int = 0


class Connection(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, request: bytes, tally: Tally) -> None:
        self.request, self.tally = request, tally
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.buffer = b""
        self.started = self.first = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not asyncio's by class.
        self.transport = cast("asyncio.Transport", transport)
        self.ask()

    def ask(self) -> None:
        self.buffer, self.first = b"", 0.0
        self.started = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self.buffer += data
        head_end = self.buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        if not self.first and len(self.buffer) > head_end + 4:
            self.first = now
        if self.is_whole(head_end):
            self.count(now)

    def is_whole(self, head_end: int) -> bool:
        head = self.buffer[:head_end].lower()
        position = head.find(b"content-length: ")
        if position < 0:
            return self.buffer.endswith(b"0\r\n\r\n")
        length = int(head[position + 16 :].split(b"\r\n", 1)[0])
        return len(self.buffer) >= head_end + 4 + length

    def count(self, now: float) -> None:
        if self.buffer[9:12] != b"200":
            self.tally.failures += 1
        self.tally.whole_ms.append((now - self.started) * 1000)
        self.tally.first_ms.append((self.first - self.started) * 1000)
        if now < self.tally.ends:
            self.ask()
        else:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None:
            self.tally.failures += 1
        if not self.done.done():
            self.done.set_result(None)


async def load(
    port: int, key: str, *, connections: int, seconds: float, streamed: bool
) -> dict[str, float]:
    """Ask for `seconds` over `connections` and return rates and percentiles."""
    tally = Tally(ends=time.perf_counter() + seconds)
    request = request_bytes(key, streamed=streamed)
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    made = [
        await loop.create_connection(
            lambda: Connection(request, tally), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    elapsed = time.perf_counter() - started
    return {
        "requests": len(tally.whole_ms),
        "failures": tally.failures,
        "per_second": len(tally.whole_ms) / elapsed,
        "p50_ms": percentile(tally.whole_ms, 0.50),
        "p99_ms": percentile(tally.whole_ms, 0.99),
        "first_p50_ms": percentile(tally.first_ms, 0.50),
    }


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--stream", action="store_true")
    given = parser.parse_args()
    result = uvloop.run(
        load(
            given.port,
            given.key,
            connections=given.connections,
            seconds=given.seconds,
            streamed=given.stream,
        )
    )
    print(orjson.dumps(result).decode())


if __name__ == "__main__":
    main()
