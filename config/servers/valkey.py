"""The embedded Valkey, which speaks Redis: on a socket only, with a log on disk."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
from typing import IO

from config.servers import binaries, kernel, locks, run_as
from config.servers.errors import StartError, unusable
from config.servers.places import Places
from config.servers.server import ask

LEFTOVER_STOP_S = 10.0


class Valkey:
    name = "redis"
    title = "Valkey"
    start_timeout_s = 60.0
    stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM, signal.SIGKILL)

    def __init__(self, places: Places, *, fast: bool) -> None:
        self.data = places.data_dir / "redis"
        self.socket = places.sockets / "redis.sock"
        self.fast = fast
        self.program = binaries.valkey_server()

    def prepare(self) -> None:
        try:
            self.data.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise unusable(self.data, error) from error
        self.stop_leftover()

    def stop_leftover(self) -> None:
        """Stop a server that outlived a killed keeper."""
        ask(self.socket, b"SHUTDOWN\r\n")
        if not locks.wait_until(lambda: not self.lives(), timeout_s=LEFTOVER_STOP_S):
            raise StartError(f"An old Valkey at {self.socket} does not stop. Stop it.")

    def lives(self) -> bool:
        return ask(self.socket, b"PING\r\n") != b""

    def spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self.program, *self.options()],
            cwd="/",
            env=run_as.server_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=functools.partial(
                kernel.follow_parent, os.getpid(), signal.SIGTERM
            ),
        )

    def options(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "appendonly": "no" if self.fast else "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
            "databases": "64",
            "daemonize": "no",
        }
        return [
            part for name, value in settings.items() for part in (f"--{name}", value)
        ]

    def answers(self) -> bool:
        return ask(self.socket, b"PING\r\n").startswith(b"+PONG")
