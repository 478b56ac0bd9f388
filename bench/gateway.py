"""What exact accounting costs: the gateway against itself without its books."""

from __future__ import annotations

import contextlib
from statistics import median
from typing import Any

from bench.installation import furnish, installation
from bench.processes import OTHER_CORE, SERVED_CORE, Server, measure, serving

BUSY_CONNECTIONS = 32
ROUNDS = 5
SECONDS = 3.0
WARM_UP_S = 1.5
VARIANTS = {
    "upstream alone": "bench.upstream:application",
    "bare forwarder": "bench.variants:forwarder",
    "gateway without accounting": "bench.variants:unaccounted",
    "gateway with accounting": "config.asgi:application",
}
PLAIN, EXACT = "gateway without accounting", "gateway with accounting"


def run() -> dict[str, Any]:
    """Measure all variants in turn, round by round, so that drift hits all alike."""
    with installation(), contextlib.ExitStack() as stack:
        upstream = stack.enter_context(
            serving("bench.upstream:application", core=OTHER_CORE)
        )
        address = f"http://127.0.0.1:{upstream.port}/v1"
        servers = {"upstream alone": upstream}
        key = furnish(upstream.port)
        for name, application in VARIANTS.items():
            if name not in servers:
                servers[name] = stack.enter_context(
                    serving(application, core=SERVED_CORE, BENCH_UPSTREAM=address)
                )
        rows = measure_all(servers, key)
        memory = {name: server.memory_mb() for name, server in servers.items()}
        return summary(rows, memory)


def measure_all(
    servers: dict[str, Server], key: str
) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in servers}
    for server in servers.values():
        measure(server.port, key, connections=8, seconds=WARM_UP_S)
    for _ in range(ROUNDS):
        for name, server in servers.items():
            rows[name].append(measure_one(server, key))
    return rows


def measure_one(server: Server, key: str) -> dict[str, Any]:
    def load(connections: int, *, streamed: bool = False) -> dict[str, float]:
        result = measure(
            server.port,
            key,
            connections=connections,
            seconds=SECONDS,
            streamed=streamed,
        )
        assert not result["failures"], "a benchmark of refusals says nothing"
        return result

    return {
        "busy": load(BUSY_CONNECTIONS),
        "quiet": load(1),
        "streams": load(BUSY_CONNECTIONS, streamed=True),
    }


def summary(
    rows: dict[str, list[dict[str, Any]]], memory: dict[str, float]
) -> dict[str, Any]:
    """Return medians of each variant, and the medians of the ratios by round."""

    def middle(name: str, load: str, figure: str) -> float:
        return float(median(row[load][figure] for row in rows[name]))

    variants = {
        name: {
            "per_second": middle(name, "busy", "per_second"),
            "p50_ms_at_1": middle(name, "quiet", "p50_ms"),
            "p99_ms_at_1": middle(name, "quiet", "p99_ms"),
            "p99_ms_at_32": middle(name, "busy", "p99_ms"),
            "streams_per_second": middle(name, "streams", "per_second"),
            "first_chunk_ms": middle(name, "streams", "first_p50_ms"),
            "memory_mb": memory[name],
        }
        for name in rows
    }
    pairs = list(zip(rows[EXACT], rows[PLAIN], strict=True))
    return {
        "variants": variants,
        "throughput_ratio": median(
            a["busy"]["per_second"] / b["busy"]["per_second"] for a, b in pairs
        ),
        "added_p50_ms": median(
            a["quiet"]["p50_ms"] - b["quiet"]["p50_ms"] for a, b in pairs
        ),
        "stream_ratio": median(
            a["streams"]["per_second"] / b["streams"]["per_second"] for a, b in pairs
        ),
    }


def table(result: dict[str, Any]) -> str:
    """Write the result for people."""
    lines = [
        f"{'':28} {'req/s':>7} {'p50 ms':>7} {'p99 ms':>7} {'p99 ms':>7} "
        f"{'streams':>8} {'first':>7} {'MB':>5}",
        f"{'connections':28} {'32':>7} {'1':>7} {'1':>7} {'32':>7} "
        f"{'/s at 32':>8} {'ms':>7}",
    ]
    for name, v in result["variants"].items():
        lines.append(
            f"{name:28} {v['per_second']:7.0f} {v['p50_ms_at_1']:7.2f} "
            f"{v['p99_ms_at_1']:7.2f} {v['p99_ms_at_32']:7.2f} "
            f"{v['streams_per_second']:8.0f} {v['first_chunk_ms']:7.2f} "
            f"{v['memory_mb']:5.0f}"
        )
    lines += [
        "",
        f"throughput with accounting / without: {result['throughput_ratio']:.0%}",
        f"added p50 at one connection: {result['added_p50_ms']:.2f} ms",
        f"streams with accounting / without: {result['stream_ratio']:.0%}",
    ]
    return "\n".join(lines)
