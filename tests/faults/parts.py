"""The processes of the house, each of which can be killed and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from contextlib import AbstractContextManager
from pathlib import Path

import redis

from config.servers.lease import Lease
from tests import rig
from tests.faults.shifted import set_clock

Running = AbstractContextManager[tuple[subprocess.Popen[bytes], Path]]


class Part:
    """A process on a port of its own that it comes back to."""

    def __init__(
        self, name: str, command: list[str], folder: Path, environment: dict[str, str]
    ) -> None:
        self.port = rig.free_port()
        # Held by a fault for as long as it lasts.
        self.fault = threading.Lock()
        self._name = name
        self._command = [*command, "--port", str(self.port)]
        self._folder = folder
        self._environment = environment
        self._starts = 0
        self._running: Running | None = None
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; returns when it answers."""
        self._starts += 1
        log = self._folder / f"{self._name}-{self._starts}.log"
        self._running = rig.running(self._command, self.port, log, self._environment)
        self._popen, _ = self._running.__enter__()

    def send(self, signum: signal.Signals) -> None:
        assert self._popen is not None
        self._popen.send_signal(signum)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        """End it politely if it still runs."""
        if self._running is not None:
            self._running.__exit__(None, None, None)
            self._running = None


def gateway(name: str, folder: Path, application: str, *, database: str) -> Part:
    """Return a gateway whose clock is wrong by what its file says."""
    set_clock(clock_of(name, folder), 0)
    command = [
        *("-m", "tests.faults.shifted", str(clock_of(name, folder))),
        *("-m", "uvicorn", application, "--loop", "uvloop", "--http", "httptools"),
        *("--lifespan", "on", "--no-access-log", "--log-level", "warning"),
    ]
    settings = {
        "GATEWAY_DRAIN_S": "3",
        "UPSTREAM_TIMEOUT_S": "8",
        "DATABASE_URL": database,
    }
    return Part(name, command, folder, settings)


def clock_of(name: str, folder: Path) -> Path:
    return folder / f"{name}.clock"


def provider(folder: Path) -> tuple[Part, Path]:
    """Return the stand-in provider and the file of what it bills."""
    truth = folder / "truth.jsonl"
    command = ["-m", "tests.provider", "--truth", str(truth)]
    return Part("provider", command, folder, {}), truth


def end_postgres(data_dir: Path, signum: signal.Signals) -> None:
    """End the embedded Postgres; its keeper starts it again."""
    pid_file = data_dir / "postgres" / "postmaster.pid"
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
        os.kill(int(pid_file.read_text().split("\n", 1)[0]), signum)


def kill_valkey(url: str) -> None:
    """Kill the embedded Valkey; its keeper starts it again."""
    with (
        contextlib.suppress(redis.RedisError, ProcessLookupError),
        contextlib.closing(redis.Redis.from_url(url)) as client,
    ):
        os.kill(client.info("server")["process_id"], signal.SIGKILL)


def flush_valkey(url: str) -> None:
    """Empty the embedded Valkey, as an operator's slip does."""
    with (
        contextlib.suppress(redis.RedisError),
        contextlib.closing(redis.Redis.from_url(url)) as client,
    ):
        client.flushall()


def have_served(leases: list[Lease]) -> None:
    """Start the keepers that gave up, as the supervisor of an installation does."""
    for lease in leases:
        if not lease.is_served():
            lease.begin_start()
            lease.wait_ready()
