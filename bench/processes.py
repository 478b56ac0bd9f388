"""The processes of a benchmark: servers on one core, everything else on the other."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

CHECKOUT = Path(__file__).resolve().parent.parent
SERVED_CORE, OTHER_CORE = 0, 1


def pin(process_id: int, core: int | None) -> None:
    """Keep a process on one core, where the system can; None leaves it all."""
    if core is None:
        return
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(process_id, {core})


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass(frozen=True)
class Server:
    """A server under test, listening on a loopback port."""

    port: int
    process_id: int

    def memory_mb(self) -> float:
        """Return its resident memory (Linux)."""
        for line in Path(f"/proc/{self.process_id}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0


@contextlib.contextmanager
def serving(
    application: str, *, core: int | None, **environment: str
) -> Iterator[Server]:
    """Serve an ASGI application with uvicorn on one core, or on any."""
    port = free_port()
    is_ours = application.startswith("config.")
    protocol = "config.receipt:CarefulHttp" if is_ours else "httptools"
    command = [
        *(sys.executable, "-m", "uvicorn", application, "--port", str(port)),
        *("--loop", "uvloop", "--http", protocol, "--no-access-log"),
        *("--log-level", "warning", "--timeout-keep-alive", "60"),
    ]
    popen = subprocess.Popen(command, cwd=CHECKOUT, env={**os.environ, **environment})
    pin(popen.pid, core)
    try:
        wait_for(port, popen)
        yield Server(port, popen.pid)
    finally:
        popen.terminate()
        popen.wait(20)


def wait_for(port: int, popen: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        if popen.poll() is not None:
            raise SystemExit("a server of the benchmark ended by itself")
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=1),
        ):
            return
        time.sleep(0.05)
    raise SystemExit("a server of the benchmark does not start")


def measure(
    port: int,
    key: str,
    *,
    connections: int,
    seconds: float,
    streamed: bool = False,
    core: int | None = OTHER_CORE,
) -> dict[str, float]:
    """Load a server from a process of its own; see bench/load.py."""
    command = [
        *(sys.executable, "-m", "bench.load", "--port", str(port), "--key", key),
        *("--connections", str(connections), "--seconds", str(seconds)),
        *(("--stream",) if streamed else ()),
    ]
    popen = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE)
    pin(popen.pid, core)
    output, _ = popen.communicate(timeout=seconds + 60)
    result: dict[str, float] = orjson.loads(output)
    return result
