"""The processes of the house, each of which can be killed and started again."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import redis

from config.children import PARENT_VARIABLE
from config.servers.errors import StartError
from config.servers.lease import Lease
from tests import rig
from tests.faults.shifted import set_clock

Running = AbstractContextManager[tuple[subprocess.Popen[bytes], Path]]

# The kernel ends worker and beat with the thread that started them: this one lasts.
STARTER = ThreadPoolExecutor(1)
# Shorter than a pause lasts. Gateways beat once a second.
SWEEP_INTERVAL_S = "2"


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
        self.starts = 0
        self._running: Running | None = None
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; returns when it answers."""
        self.starts += 1
        log = self._folder / f"{self._name}-{self.starts}.log"
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


class Child:
    """A worker or beat from this checkout. It serves no port: it starts, or not."""

    def __init__(self, name: str, folder: Path) -> None:
        # Held by a fault for as long as it lasts.
        self.fault = threading.Lock()
        self.name = name
        self._folder = folder
        self._starts = 0
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        STARTER.submit(self._start).result()

    def _start(self) -> None:
        self._starts += 1
        settings = {
            PARENT_VARIABLE: str(os.getpid()),
            "SWEEP_INTERVAL_S": SWEEP_INTERVAL_S,
        }
        with (self._folder / f"{self.name}-{self._starts}.log").open("wb") as log:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "config.children", self.name],
                cwd=rig.CHECKOUT,
                env=os.environ | settings,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def revive(self) -> bool:
        """Start it again if it ended by itself, as the supervisor does."""
        if self._popen is None or not self.fault.acquire(blocking=False):
            return False
        try:
            if self._popen.poll() is None:
                return False
            self.start()
            return True
        finally:
            self.fault.release()

    def kill(self) -> None:
        """End it and the processes of its pool, as a crash of the host does."""
        assert self._popen is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait(10)

    def kill_child(self) -> None:
        """End one process of its pool, as the kernel does when memory is short."""
        assert self._popen is not None
        listed = Path(f"/proc/{self._popen.pid}/task/{self._popen.pid}/children")
        with contextlib.suppress(OSError, IndexError):
            os.kill(int(listed.read_text().split()[0]), signal.SIGKILL)

    def stop(self) -> None:
        """End it politely if it still runs."""
        if self._popen is not None and self._popen.poll() is None:
            self._popen.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(10)
            self.kill()


def worker(folder: Path) -> Child:
    return Child("worker", folder)


def beat(folder: Path) -> Child:
    return Child("beat", folder)


def gateway(name: str, folder: Path, application: str, *, database: str) -> Part:
    """Return a gateway whose clock is wrong by what its file says."""
    set_clock(clock_of(name, folder), 0)
    command = [
        *("-m", "tests.faults.shifted", str(clock_of(name, folder))),
        *("-m", "uvicorn", application, "--loop", "uvloop"),
        *("--http", "config.receipt:CarefulHttp"),
        *("--lifespan", "on", "--no-access-log", "--log-level", "warning"),
    ]
    settings = {
        "GATEWAY_DRAIN_S": "3",
        "UPSTREAM_TIMEOUT_S": "8",
        "DATABASE_URL": database,
        "METRICS_TOKEN": rig.METRICS_TOKEN,
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
    with contextlib.suppress(redis.RedisError, ProcessLookupError):
        os.kill(process_of_valkey(url), signal.SIGKILL)


def process_of_valkey(url: str) -> int:
    with contextlib.closing(redis.Redis.from_url(url, socket_timeout=5)) as client:
        process: int = client.info("server")["process_id"]
        return process


def forget_valkey(data_dir: Path) -> None:
    """Take away what Valkey would read at its next start."""
    shutil.rmtree(data_dir / "redis" / "appendonlydir", ignore_errors=True)


@contextlib.contextmanager
def silent_valkey(url: str) -> Iterator[None]:
    """Have Valkey take connections and say nothing inside the `with` block."""
    try:
        process = process_of_valkey(url)
    except redis.RedisError:
        # It is down: no less silent.
        yield
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGCONT)


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
            # In vain while the disk is full; there is a next turn.
            with contextlib.suppress(StartError):
                lease.begin_start()
                lease.wait_ready()
