"""The lease: held by each process that needs an embedded server, for as long."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from config.servers import locks
from config.servers.errors import StartError, unusable
from config.servers.keeper import READY, SERVERS
from config.servers.places import Places

CHECKOUT = Path(__file__).resolve().parents[2]
OTHERS_STOP_S = 30.0
OTHERS_START_S = 150.0


class Lease:
    """
    A claim on the server `name` of a data directory.

    `take` then `wait_ready`: apart, so that two servers start at the same time.
    A crash of the holder ends the lease as `leave` does.
    """

    def __init__(self, name: str, places: Places, *, fast: bool = False) -> None:
        self.name = name
        self.places = places
        self.fast = fast
        self._held = locks.FileLock(places.run / f"{name}.lease")
        self._starting = locks.FileLock(places.run / f"{name}.start")
        self._keeper: subprocess.Popen[str] | None = None

    @property
    def title(self) -> str:
        return SERVERS[self.name].title

    @property
    def log_path(self) -> Path:
        return self.places.log / f"{self.name}.log"

    def take(self) -> None:
        """Claim the server and begin its start if it is not running."""
        try:
            if not locks.wait_until(self._held.try_shared, timeout_s=OTHERS_STOP_S):
                raise StartError(f"{self.title} is still stopping. Try again.")
            self.begin_start()
        except OSError as error:
            raise unusable(self.places.run, error) from error

    def begin_start(self) -> None:
        if self.is_served():
            return
        if not locks.wait_until(self._starting.try_exclusive, timeout_s=OTHERS_START_S):
            raise StartError(f"{self.title} is being started by another, in vain.")
        if self.is_served():
            self._starting.release()
            return
        self._keeper = subprocess.Popen(
            [
                sys.executable,
                *("-m", "config.servers.keeper"),
                *(self.name, str(self.places.data_dir)),
                *(["--fast"] if self.fast else []),
            ],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )

    def is_served(self) -> bool:
        """Return whether a keeper works for this server."""
        return not locks.is_free(self.places.run / f"{self.name}.keeper")

    def wait_ready(self) -> None:
        """
        Wait until the server that `take` began to start answers.

        :raises StartError: if it did not start.
        """
        if self._keeper is None:
            return
        said, _ = self._keeper.communicate()
        self._keeper = None
        self._starting.release()
        if said.strip() == READY:
            return
        raise StartError(
            said.strip() or f"{self.title} did not start; see {self.log_path}."
        )

    def leave(self) -> None:
        """Give the lease up: the keeper stops the server if we were the last."""
        if self._keeper is not None:
            self._keeper.communicate()
            self._keeper = None
        self._starting.release()
        self._held.release()

    def wait_left(self) -> None:
        """Wait until the server has stopped, unless others need it."""
        locks.wait_until(
            lambda: not self.is_served() or self.is_needed(), timeout_s=OTHERS_STOP_S
        )

    def is_needed(self) -> bool:
        """Return whether others hold the lease."""
        probe = locks.FileLock(self._held.path)
        if probe.try_exclusive():
            probe.release()
            return False
        # The keeper holds it alone when it stops; users share it.
        shared = probe.try_shared()
        probe.release()
        return shared


@contextmanager
def embedded_servers(
    data_dir: Path, names: Sequence[str], *, fast: bool = False
) -> Iterator[list[Lease]]:
    """
    Have the named servers (`postgres`, `redis`) running inside the `with` block.

    :raises StartError: if one cannot be started.
    """
    leases = start(data_dir, names, fast=fast)
    try:
        yield leases
    finally:
        stop(leases)


def start(data_dir: Path, names: Sequence[str], *, fast: bool = False) -> list[Lease]:
    if not names:
        return []
    places = Places(data_dir)
    places.make()
    leases = [Lease(name, places, fast=fast) for name in names]
    try:
        for lease in leases:
            lease.take()
        for lease in leases:
            lease.wait_ready()
    except BaseException:
        stop(leases)
        raise
    return leases


def stop(leases: Sequence[Lease]) -> None:
    """Leave all of them; return when what nobody else needs has stopped."""
    for lease in leases:
        lease.leave()
    for lease in leases:
        lease.wait_left()
