"""What exact accounting costs: the gateway against itself without its books."""

from __future__ import annotations

import contextlib
from statistics import median
from typing import Any

from bench.figures import Figure
from bench.installation import furnish, installation
from bench.processes import OTHER_CORE, SERVED_CORE, Server, measure, serving

BUSY_CONNECTIONS = 32
ROUNDS = 5
SECONDS = 2.0
WARM_UP_S = 1.5
VARIANTS = {
    "upstream alone": "bench.upstream:application",
    "bare forwarder": "bench.variants:forwarder",
    "gateway without accounting": "bench.variants:unaccounted",
    "gateway with accounting": "config.asgi:application",
}
ALONE, BARE, PLAIN, EXACT = VARIANTS


def run() -> dict[str, Any]:
    """Measure all variants in turn, round by round, so that drift hits all alike."""
    with installation(), contextlib.ExitStack() as stack:
        upstream = stack.enter_context(
            serving("bench.upstream:application", core=OTHER_CORE)
        )
        address = f"http://127.0.0.1:{upstream.port}/v1"
        servers = {ALONE: upstream}
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
        "stream": load(1, streamed=True),
    }


def summary(
    rows: dict[str, list[dict[str, Any]]], memory: dict[str, float]
) -> dict[str, Any]:
    """Return the medians of each variant, and of what was compared by round."""

    def middle(name: str, load: str, figure: str) -> float:
        return float(median(row[load][figure] for row in rows[name]))

    variants = {
        name: {
            "per_second": middle(name, "busy", "per_second"),
            "p50_ms_at_1": middle(name, "quiet", "p50_ms"),
            "p99_ms_at_1": middle(name, "quiet", "p99_ms"),
            "p99_ms_at_32": middle(name, "busy", "p99_ms"),
            "streams_per_second": middle(name, "streams", "per_second"),
            "first_chunk_ms_at_1": middle(name, "stream", "first_p50_ms"),
            "memory_mb": memory[name],
        }
        for name in rows
    }
    return {"variants": variants, **comparisons(rows)}


def comparisons(rows: dict[str, list[dict[str, Any]]]) -> dict[str, float]:
    """Return medians over the rounds: what is compared was measured side by side."""

    def ratio(of: str, to: str, load: str) -> float:
        pairs = zip(rows[of], rows[to], strict=True)
        key = "per_second"
        return float(median(a[load][key] / b[load][key] for a, b in pairs))

    def added(load: str, figure: str) -> float:
        pairs = zip(rows[EXACT], rows[ALONE], strict=True)
        return float(median(a[load][figure] - b[load][figure] for a, b in pairs))

    return {
        "throughput_ratio": ratio(EXACT, PLAIN, "busy"),
        "throughput_ratio_bare": ratio(EXACT, BARE, "busy"),
        "added_p50_ms": added("quiet", "p50_ms"),
        "added_p99_ms": added("quiet", "p99_ms"),
        "added_first_chunk_ms": added("stream", "first_p50_ms"),
        "stream_ratio": ratio(EXACT, PLAIN, "streams"),
        "stream_ratio_bare": ratio(EXACT, BARE, "streams"),
    }


def figures(result: dict[str, Any]) -> list[Figure]:
    def share(key: str) -> float:
        return float(result[key]) * 100

    return [
        Figure(
            "requests/s with accounting against without it",
            share("throughput_ratio"),
            "%",
            at_least=60,
        ),
        Figure(
            "requests/s against the bare forwarder", share("throughput_ratio_bare"), "%"
        ),
        Figure(
            "added latency at one connection, p50",
            result["added_p50_ms"],
            "ms",
            at_most=1.2,
        ),
        Figure(
            "added latency at one connection, p99",
            result["added_p99_ms"],
            "ms",
            at_most=4,
        ),
        Figure(
            "added time to a stream's first chunk, p50",
            result["added_first_chunk_ms"],
            "ms",
            at_most=1.5,
        ),
        Figure(
            "streams/s against the bare forwarder",
            share("stream_ratio_bare"),
            "%",
            at_least=70,
        ),
        Figure(
            "streams/s with accounting against without it", share("stream_ratio"), "%"
        ),
    ]


def table(result: dict[str, Any]) -> str:
    """Write the result for people."""
    lines = [
        f"{'':28} {'req/s':>7} {'p50 ms':>7} {'p99 ms':>7} {'p99 ms':>7} "
        f"{'streams':>8} {'first':>7} {'MB':>5}",
        f"{'connections':28} {'32':>7} {'1':>7} {'1':>7} {'32':>7} "
        f"{'/s at 32':>8} {'ms at 1':>7}",
    ]
    for name, v in result["variants"].items():
        lines.append(
            f"{name:28} {v['per_second']:7.0f} {v['p50_ms_at_1']:7.2f} "
            f"{v['p99_ms_at_1']:7.2f} {v['p99_ms_at_32']:7.2f} "
            f"{v['streams_per_second']:8.0f} {v['first_chunk_ms_at_1']:7.2f} "
            f"{v['memory_mb']:5.0f}"
        )
    return "\n".join(lines)
