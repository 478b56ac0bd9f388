"""
Two gateway processes against one, on all cores; and what limits them.

On a machine where one gateway, its database, the provider and the load fill the cores
already, a second process has nothing left to run on: the share of busy cores tells.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from statistics import median
from typing import Any

from bench.figures import Figure
from bench.installation import furnish, installation
from bench.processes import Server, measure, serving

LOADS, CONNECTIONS, SECONDS, ROUNDS = 2, 32, 3.0, 3
PER_SECOND = os.sysconf("SC_CLK_TCK")
# Of the cores: then it is they that limit.
NEARLY_ALL = 0.9


def run() -> dict[str, Any]:
    with installation(), contextlib.ExitStack() as stack:
        upstream = stack.enter_context(serving("bench.upstream:application", core=None))
        key = furnish(upstream.port)
        servers = [
            stack.enter_context(serving("config.asgi:application", core=None))
            for _ in range(2)
        ]
        for server in servers:
            measure(server.port, key, connections=8, seconds=1.5)
        rounds = [
            [load([servers[0]] * LOADS, key), load(servers, key)] for _ in range(ROUNDS)
        ]
    return {"one": middle(rounds, 0), "two": middle(rounds, 1)}


def load(servers: list[Server], key: str) -> dict[str, float]:
    """Load the servers, each from a process of its own; a server may come twice."""
    results: list[dict[str, float]] = []

    def ask(server: Server) -> None:
        results.append(
            measure(
                server.port,
                key,
                connections=CONNECTIONS,
                seconds=SECONDS,
                core=None,
            )
        )

    before, busy_before = gateway_seconds(servers), machine_ticks()
    threads = [threading.Thread(target=ask, args=(server,)) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    busy, idle = (
        now - then for now, then in zip(machine_ticks(), busy_before, strict=True)
    )
    requests = sum(result["requests"] for result in results)
    gateway_s = gateway_seconds(servers) - before
    return {
        "per_second": sum(result["per_second"] for result in results),
        "gateway_ms_per_request": gateway_s * 1000 / requests,
        "busy": busy / (busy + idle),
    }


def gateway_seconds(servers: list[Server]) -> float:
    """Return the processor time that the servers have used."""
    ticks = 0
    for process_id in {server.process_id for server in servers}:
        stat = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2]
        user, system = stat.split()[11:13]
        ticks += int(user) + int(system)
    return ticks / PER_SECOND


def machine_ticks() -> tuple[int, int]:
    """Return how long the machine's cores were busy, and how long idle."""
    first = Path("/proc/stat").read_text().splitlines()[0]
    user, nice, system, idle, waiting, *rest = map(int, first.split()[1:8])
    return user + nice + system + sum(rest), idle + waiting


def middle(rounds: list[list[dict[str, float]]], place: int) -> dict[str, float]:
    rows = [row[place] for row in rounds]
    return {name: median(row[name] for row in rows) for name in rows[0]}


def figures(result: dict[str, Any]) -> list[Figure]:
    one, two = result["one"], result["two"]
    work = one["gateway_ms_per_request"] / two["gateway_ms_per_request"]
    return [
        Figure(
            "two processes against one",
            two["per_second"] / one["per_second"],
            "times",
            # Where the cores are the limit, it is they that the figure tells of.
            at_least=None if is_full(two) else 1.7,
        ),
        Figure("two against one, by processor time of a request", 2 * work, "times"),
    ]


def is_full(row: dict[str, float]) -> bool:
    return row["busy"] >= NEARLY_ALL


def table(result: dict[str, Any]) -> str:
    lines = [
        f"{'processes':>10} {'req/s':>8} {'gateway ms/req':>15} {'busy cores':>11}"
    ]
    for name in ("one", "two"):
        row = result[name]
        lines.append(
            f"{name:>10} {row['per_second']:8,.0f} "
            f"{row['gateway_ms_per_request']:15.3f} {row['busy']:11.0%}"
        )
    limit = "the cores" if is_full(result["two"]) else "not the cores"
    lines.append(f"limited by: {limit} ({os.cpu_count()} of them)")
    return "\n".join(lines)
