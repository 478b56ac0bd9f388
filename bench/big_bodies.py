"""Large bodies: what they take of memory, and how long the event loop stands still."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import Any

import orjson

from bench.figures import Figure
from bench.installation import furnish, installation
from bench.processes import OTHER_CORE, SERVED_CORE, Server, serving

MEGABYTE = 1_000_000
SIZES_MB = (1, 10, 30)
TARGET_MB = 10
ROUNDS = 5


def run() -> list[dict[str, float]]:
    """Send bodies of each size, one after the other; return the worst of each."""
    with (
        installation(),
        serving("bench.upstream:application", core=OTHER_CORE) as upstream,
        serving("bench.watched:application", core=SERVED_CORE) as gateway,
    ):
        key = furnish(upstream.port)
        send(gateway, key, body_of(1_000))
        return [measure(gateway, key, size) for size in SIZES_MB]


def measure(gateway: Server, key: str, size_mb: int) -> dict[str, float]:
    body = body_of(size_mb * MEGABYTE)
    ask(gateway, "GET", "/watch", b"", {})
    before_mb = gateway.memory_mb()
    forget_peak(gateway)
    for _ in range(ROUNDS):
        send(gateway, key, body)
    return {
        "body_mb": size_mb,
        "peak_growth_mb": peak_mb(gateway) - before_mb,
        "growth_mb": gateway.memory_mb() - before_mb,
        **ask(gateway, "GET", "/watch", b"", {}),
    }


def body_of(length: int) -> bytes:
    """Return a request with an image of so many bytes."""
    image = {"url": "data:image/png;base64," + "iVBORw0KGgo" * (length // 11)}
    content = [{"type": "image_url", "image_url": image}]
    message = {"role": "user", "content": content}
    return orjson.dumps(
        {"model": "gpt-4o-mini", "messages": [message], "max_tokens": 9}
    )


def send(gateway: Server, key: str, body: bytes) -> None:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    ask(gateway, "POST", "/v1/chat/completions", body, headers)


def ask(
    gateway: Server, method: str, path: str, body: bytes, headers: dict[str, str]
) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
    connection.request(method, path, body=body, headers=headers)
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    assert response.status == 200, f"{response.status}: {answer[:300]!r}"
    return orjson.loads(answer)


def forget_peak(server: Server) -> None:
    """Have the system begin anew with the highest memory of a process (Linux)."""
    Path(f"/proc/{server.process_id}/clear_refs").write_text("5")


def peak_mb(server: Server) -> float:
    status = Path(f"/proc/{server.process_id}/status").read_text()
    line = next(one for one in status.splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def figures(rows: list[dict[str, float]]) -> list[Figure]:
    (row,) = (row for row in rows if row["body_mb"] == TARGET_MB)
    return [
        Figure(
            f"memory that a body of {TARGET_MB} MB takes, at most",
            row["peak_growth_mb"],
            "MB",
            at_most=40,
        ),
        Figure(
            "the event loop stands still for, at most",
            row["longest_pause_ms"],
            "ms",
            at_most=50,
        ),
        Figure("of it in work of its own", row["longest_work_ms"], "ms"),
    ]


COLUMNS = {
    "body_mb": "body MB",
    "peak_growth_mb": "peak growth MB",
    "growth_mb": "growth after MB",
    "longest_pause_ms": "longest pause ms",
    "longest_work_ms": "of it own work ms",
}


def table(rows: list[dict[str, float]]) -> str:
    lines = [" | ".join(COLUMNS.values())]
    for row in rows:
        cells = [f"{row[key]:{len(head)}.1f}" for key, head in COLUMNS.items()]
        lines.append(" | ".join(cells))
    return "\n".join(lines)
