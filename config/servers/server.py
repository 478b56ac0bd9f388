"""What the keeper needs of a server, and what both servers share."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import IO, Protocol

PROBE_TIMEOUT_S = 2.0


class Server(Protocol):
    name: str
    title: str
    start_timeout_s: float
    # In this order, each after a wait: politely first.
    stop_signals: tuple[signal.Signals, ...]

    def prepare(self) -> None:
        """Make the data directory usable; raise StartError if it cannot be."""

    def spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start the server; it must not outlive us."""

    def answers(self) -> bool:
        """Return whether the server is ready for clients."""


def ask(socket_path: Path, question: bytes, *, goodbye: bytes = b"") -> bytes:
    """Send bytes to a Unix socket; return the first of the answer, or nothing."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PROBE_TIMEOUT_S)
        try:
            connection.connect(str(socket_path))
            connection.sendall(question)
            answer = connection.recv(65_536)
            connection.sendall(goodbye)
        except OSError:
            return b""
    return answer


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def works_in(pid: int, folder: Path) -> bool:
    """Return whether the process `pid` is a server of the data in `folder`."""
    proc = Path("/proc")
    try:
        if (proc / "self").exists():
            return (proc / str(pid) / "cwd").samefile(folder)
        shown = subprocess.run(
            ["ps", "-o", "command=", "-p", str(pid)],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return False
    return str(folder) in shown.stdout
