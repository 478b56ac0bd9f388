"""
The keeper: a process that starts one server and stops it when nobody needs it.

    python -m config.servers.keeper postgres|redis DATA_DIR [--fast]

Says `ready`, or what is wrong, in one line on its standard output, then works on in
the background: it starts the server again if that dies, and ends it and itself when
no lease is held any more. It ends with status 1 if the server cannot be kept.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO

from config.restarts import Restarts
from config.servers import locks
from config.servers.errors import StartError, unusable
from config.servers.places import Places, last_lines, trim_log
from config.servers.postgres import Postgres, complaint
from config.servers.server import Server
from config.servers.valkey import Valkey

SERVERS: dict[str, type[Postgres] | type[Valkey]] = {
    "postgres": Postgres,
    "redis": Valkey,
}
READY = "ready"
TICK_S = 0.1
STOP_WAIT_S = 4.0
OTHER_KEEPER_WAIT_S = 5.0


class Keeper:
    def __init__(self, server: Server, log: IO[bytes]) -> None:
        self.server = server
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.restarts = Restarts()
        self.told_to_stop = False

    def start(self) -> None:
        """Start the server and wait until it answers, else raise StartError."""
        self.server.prepare()
        self.process = process = self.server.spawn(self.log)
        locks.wait_until(
            lambda: process.poll() is not None or self.server.answers(),
            timeout_s=self.server.start_timeout_s,
        )
        if process.poll() is None and self.server.answers():
            return
        self.stop()
        reason = complaint("\n".join(last_lines(Path(self.log.name), 8)))
        raise StartError(
            f"{self.server.title} did not start: {reason}. See {self.log.name}."
        )

    def keep(self, lease: locks.FileLock) -> int:
        """Work until nobody holds the lease (0) or the server dies too often (1)."""
        while not self.told_to_stop and not lease.try_exclusive():
            time.sleep(TICK_S)
            if self.process is None or self.process.poll() is None:
                continue
            if not self.start_again(lease):
                return 1
        self.stop()
        return 0

    def start_again(self, lease: locks.FileLock) -> bool:
        """Start the dead server after a pause; return False if it dies too often."""
        delay_s = self.restarts.record(time.monotonic())
        self.note(f"{self.server.title} died; deaths: {len(self.restarts.deaths)}")
        if delay_s is None:
            return False
        time.sleep(delay_s)
        try:
            self.start()
        except StartError as error:
            self.note(str(error))
        return True

    def stop(self) -> None:
        if self.process is None:
            return
        for signum in self.server.stop_signals:
            self.process.send_signal(signum)
            try:
                self.process.wait(STOP_WAIT_S)
            except subprocess.TimeoutExpired:
                continue
            return

    def note(self, text: str) -> None:
        # A full disk is no reason to leave the server alone.
        with suppress(OSError):
            self.log.write(f"keeper: {text}\n".encode())
            self.log.flush()

    def handle_signal(self, signum: int, frame: FrameType | None) -> None:
        self.told_to_stop = True


def main(arguments: list[str]) -> int:
    name, data_dir, *flags = arguments
    places = Places(Path(data_dir))
    own = locks.FileLock(places.run / f"{name}.keeper")
    if not locks.wait_until(own.try_exclusive, timeout_s=OTHER_KEEPER_WAIT_S):
        report(READY)
        return 0
    leave_parent(own)
    lease = locks.FileLock(places.run / f"{name}.lease")
    log_path = places.log / f"{name}.log"
    try:
        trim_log(log_path)
        with log_path.open("ab", buffering=0) as log:
            status = serve(name, places, log, lease, fast="--fast" in flags)
    except OSError as error:
        report(str(unusable(log_path, error)))
        status = 1
    # In this order: who then takes a lease must see that no keeper is left.
    own.release()
    lease.release()
    return status


def serve(
    name: str, places: Places, log: IO[bytes], lease: locks.FileLock, *, fast: bool
) -> int:
    try:
        keeper = Keeper(SERVERS[name](places, fast=fast), log)
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, keeper.handle_signal)
        keeper.start()
    except StartError as error:
        report(str(error))
        return 1
    report(READY)
    return keeper.keep(lease)


def report(line: str) -> None:
    """Tell whoever started us, and let go of their pipe."""
    with suppress(BrokenPipeError), os.fdopen(os.dup(1), "w") as out:
        out.write(" ".join(line.split()) + "\n")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)


def leave_parent(own: locks.FileLock) -> None:
    """Become a child of nobody's: not stopped by Ctrl-C, never a zombie."""
    if os.fork():
        os._exit(0)
    os.setsid()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
