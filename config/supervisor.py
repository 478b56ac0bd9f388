"""Keeps the processes of an installation alive, and ends all of them together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from config.children import PARENT_VARIABLE, SOCKET_VARIABLE
from config.local_mode import CHECKOUT
from config.restarts import Restarts
from config.servers import locks
from config.servers.errors import StartError
from config.servers.lease import Lease
from config.servers.places import last_lines, trim_log

TICK_S = 0.1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Who is asked to end, and until when (seconds from the first) all so far may take.
# What is left is killed; the servers need a second more: 10 s are promised.
STOP_STEPS: tuple[tuple[tuple[str, ...], float], ...] = (
    (("web",), 3.0),
    (("beat", "worker"), 7.0),
)
LOG_LINES_SHOWN = 8


class GaveUp(Exception):
    """A process died too often; says which, and what it logged last."""


class StopRequest:
    """Ctrl-C and SIGTERM: an exception during the start, afterwards a flag."""

    def __init__(self) -> None:
        self.asked = False
        self.interrupts = True

    def listen(self) -> None:
        for signum in STOP_SIGNALS:
            signal.signal(signum, self._handle)

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        first, self.asked = not self.asked, True
        if first and self.interrupts:
            raise KeyboardInterrupt


@dataclass(slots=True)
class Child:
    """One of our processes. It leads a process group of its own."""

    name: str
    log_path: Path
    # Reserved for the web process; closed when that one has to end.
    listener: socket.socket | None = None
    process: subprocess.Popen[bytes] | None = None
    restarts: Restarts = field(default_factory=Restarts)
    start_at: float = 0.0

    def start(self) -> None:
        trim_log(self.log_path)
        environment = os.environ | {PARENT_VARIABLE: str(os.getpid())}
        passed = () if self.listener is None else (self.listener.fileno(),)
        if passed:
            environment[SOCKET_VARIABLE] = str(passed[0])
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.children", self.name],
                cwd=CHECKOUT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=passed,
            )

    def terminate(self) -> None:
        if self.listener is not None:
            self.listener.close()
        if self.process is not None:
            self.process.terminate()

    def kill_group(self) -> None:
        """End what is left of the process and of its own children."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def is_gone(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def note_death(self, now: float) -> str | None:
        """Return what to tell about a death just found; plan the next start."""
        if self.process is None or self.process.poll() is None:
            return None
        self.kill_group()
        status, self.process = self.process.returncode, None
        delay_s = self.restarts.record(now)
        if delay_s is None:
            lines = "\n  ".join(last_lines(self.log_path, LOG_LINES_SHOWN))
            raise GaveUp(f"{self.name} died 5 times within a minute:\n  {lines}")
        self.start_at = now + delay_s
        return (
            f"{self.name} died (status {status}); "
            f"starting it again in {delay_s:g} s. See {self.log_path}."
        )


class Supervisor:
    """Runs `children` on the servers of `leases` until it is asked to stop."""

    def __init__(
        self,
        children: Sequence[Child],
        leases: Sequence[Lease],
        *,
        stop_request: StopRequest,
        say: Callable[[str], None],
    ) -> None:
        self.children = children
        self.leases = {lease: Restarts() for lease in leases}
        self.stop_request = stop_request
        self.say = say

    def run(self, *, each_tick: Callable[[], None]) -> None:
        """
        Start the children and watch over them; return when all of them are down.

        :raises GaveUp: if one of them, or a server, cannot be kept alive.
        """
        self.stop_request.interrupts = False
        try:
            while not self.stop_request.asked:
                self.tick(time.monotonic())
                each_tick()
                time.sleep(TICK_S)
        finally:
            self.stop()

    def tick(self, now: float) -> None:
        for lease, restarts in self.leases.items():
            if not lease.is_served():
                self.serve_again(lease, restarts.record(now))
        for child in self.children:
            news = child.note_death(now)
            if news:
                self.say(news)
            if child.process is None and now >= child.start_at:
                child.start()

    def serve_again(self, lease: Lease, delay_s: float | None) -> None:
        if delay_s is None:
            raise GaveUp(f"{lease.title} died too often; see {lease.log_path}.")
        self.say(f"{lease.title} is gone; starting it again.")
        try:
            lease.begin_start()
            lease.wait_ready()
        except StartError as error:
            raise GaveUp(str(error)) from error

    def stop(self) -> None:
        """End the children in their order, by force after a deadline."""
        began, asked = time.monotonic(), list[Child]()
        for names, until_s in STOP_STEPS:
            group = [child for child in self.children if child.name in names]
            for child in group:
                child.terminate()
            asked += group
            wait_until_gone(asked, timeout_s=began + until_s - time.monotonic())
        for child in asked:
            child.kill_group()


def wait_until_gone(children: Sequence[Child], *, timeout_s: float) -> None:
    locks.wait_until(
        lambda: all(child.is_gone() for child in children), timeout_s=timeout_s
    )
