"""Advisory file locks: held by an open file, so that a crash frees them."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

POLL_S = 0.02


class FileLock:
    """A lock on a file, shared by many or held by one. Not inherited by programs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def try_shared(self) -> bool:
        return self._try(fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        return self._try(fcntl.LOCK_EX)

    def _try(self, kind: int) -> bool:
        descriptor = self._descriptor
        if descriptor is None:
            descriptor = os.open(
                self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            self._descriptor = None
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_free(path: Path) -> bool:
    """Return whether nobody holds the lock on `path`, without keeping it."""
    probe = FileLock(path)
    if not probe.try_shared():
        return False
    probe.release()
    return True


def wait_until(condition: Callable[[], bool], *, timeout_s: float) -> bool:
    """Ask `condition` every 20 ms until it holds; return False after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
