"""`manage.py run`: a whole installation that lives and ends as one."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.servers.locks import wait_until
from tests.config import conftest as cast

# The first start migrates, and a busy machine takes its time.
START_S = 240.0
# 10 s are promised; the machine may be busy with other tests.
STOP_S = 15.0

pytestmark = pytest.mark.processes


@dataclass
class Installation:
    """One under test, and what it has printed."""

    process: subprocess.Popen[bytes]
    output: Path
    data_dir: Path
    port: int

    def printed(self, text: str) -> bool:
        return text in self.output.read_text()

    def wait_ready(self) -> None:
        assert wait_until(
            lambda: self.printed("is ready") or self.process.poll() is not None,
            timeout_s=START_S,
        )
        assert self.process.poll() is None, self.output.read_text()

    def status_of(self, path: str) -> int:
        """Return the HTTP status of a page, 0 if nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def child(self, name: str) -> int:
        """Return the process number of a child."""
        table = cast.processes()
        (found,) = [
            pid
            for pid in self.children()
            if f"config.children {name}" in table[pid].command
        ]
        return found

    def children(self) -> list[int]:
        """Return the process numbers of the supervisor's own children."""
        table = cast.processes()
        return [pid for pid in table if table[pid].parent == self.process.pid]

    def terminate(self) -> int:
        """Ask it to stop; return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)


@contextmanager
def installation(data_dir: Path) -> Iterator[Installation]:
    output, port = data_dir.with_name("output.txt"), free_port()
    with output.open("ab") as sink:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run"],
            cwd=cast.CHECKOUT,
            env=cast.environment(data_dir, PORT=str(port), DEMO="off"),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
        )
    try:
        yield Installation(process, output, data_dir, port)
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_it_serves_mends_itself_and_stops(data_dir: Path) -> None:
    with installation(data_dir) as running:
        running.wait_ready()
        assert running.status_of("/readyz") == 200
        assert (data_dir / "secrets.env").stat().st_mode & 0o777 == 0o600

        second = cast.manage(data_dir, "run", PORT=str(free_port()))
        assert (second.returncode, second.stderr.count("\n")) == (1, 1)
        assert "already runs" in second.stderr

        cast.kill(running.child("web"))
        assert wait_until(lambda: running.printed("web died"), timeout_s=5)
        assert wait_until(lambda: running.status_of("/readyz") == 200, timeout_s=15)

        assert running.terminate() == 0
        assert running.status_of("/readyz") == 0
        assert not cast.postgres_answers(data_dir)
        assert not cast.redis_answers(data_dir)


def test_kill_9_leaves_no_orphans_and_the_next_start_continues(data_dir: Path) -> None:
    with installation(data_dir) as running:
        running.wait_ready()
        cast.query(data_dir, "CREATE TABLE note AS SELECT 'kept' AS text")
        family = [*running.children(), cast.postgres_pid(data_dir)]
        running.process.kill()
        assert len(family) == 4
        assert wait_until(
            lambda: not any(cast.runs(pid) for pid in family), timeout_s=15
        )
    with installation(data_dir) as again:
        again.output.write_text("")
        again.wait_ready()
        assert cast.query(data_dir, "SELECT text FROM note") == "kept"
        assert again.terminate() == 0
