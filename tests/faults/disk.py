"""
A disk that can be full: a small one of our own, or files that cannot grow.

The small disk is a tmpfs in a mount namespace, which root may make and in most places
an ordinary user too (in a user namespace). Where neither is allowed, the processes of
Postgres are kept from writing beyond a length instead: it takes that for a full disk,
until it starts anew.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

SIZE_MB = 384
# Set in the namespace: there a folder can be a disk of its own.
VARIABLE = "TOKENHOUSE_FAULTS_NAMESPACE"
WAYS = (
    ["unshare", "--mount"],
    ["unshare", "--mount", "--user", "--map-root-user"],
)
MEGABYTE = 1024 * 1024
LOUD = (
    "!! MOUNT NAMESPACES ARE REFUSED HERE: no disk of our own gets full. Postgres is "
    "kept from growing its files instead."
)


def enter_namespace(module: str, arguments: Sequence[str]) -> None:
    """
    Run a module once more where it may mount disks, in place of this process.

    Returns where that is not allowed, or has been done.
    """
    if os.environ.get(VARIABLE) is not None:
        return
    for way in WAYS:
        if can_mount(way):
            os.environ[VARIABLE] = "yes"
            program = [*way, sys.executable, "-m", module, *arguments]
            os.execvp(program[0], program)  # noqa: S606 - the same program again


def can_mount(way: list[str]) -> bool:
    attempt = [*way, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"]
    with contextlib.suppress(OSError):
        return subprocess.run(attempt, check=False, capture_output=True).returncode == 0
    return False


class SmallDisk:
    """A disk for what Postgres and Valkey keep."""

    def __init__(self, folder: Path) -> None:
        self.is_own = os.environ.get(VARIABLE) is not None
        self._folder = folder
        self._ballast = folder / "ballast"
        self._lock = threading.Lock()
        folder.mkdir()
        if self.is_own:
            size = f"size={SIZE_MB}m,mode=711"
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], check=True
            )
        folder.chmod(0o711)

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """Have no room left inside the `with` block; one at a time."""
        with self._lock, self._filled() if self.is_own else files_stopped(self._folder):
            yield

    @contextlib.contextmanager
    def _filled(self) -> Iterator[None]:
        try:
            with self._ballast.open("wb", buffering=0) as ballast:
                fill(ballast.fileno())
            yield
        finally:
            self._ballast.unlink()


def fill(descriptor: int) -> None:
    """Write until nothing more fits, not one byte."""
    step = MEGABYTE
    while step:
        try:
            os.write(descriptor, bytes(step))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            step //= 2


@contextlib.contextmanager
def files_stopped(data_dir: Path) -> Iterator[None]:
    """Let no file of the Postgres that runs now grow."""
    pid_file = data_dir / "postgres" / "postmaster.pid"
    pids = [int(pid_file.read_text().split("\n", 1)[0])]
    children = Path(f"/proc/{pids[0]}/task/{pids[0]}/children")
    pids += [int(pid) for pid in children.read_text().split()]
    set_file_limit(pids, MEGABYTE)
    try:
        yield
    finally:
        set_file_limit(pids, resource.RLIM_INFINITY)


def set_file_limit(pids: Sequence[int], length: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(
                pid, resource.RLIMIT_FSIZE, (length, resource.RLIM_INFINITY)
            )


def take_off(data_dir: Path) -> None:
    """Unmount a small disk, so that its folder can be removed."""
    if os.environ.get(VARIABLE) is not None:
        subprocess.run(["umount", "--lazy", str(data_dir)], check=False)


def keep_logs(data_dir: Path, folder: Path) -> None:
    """Copy the servers' logs off the disk, which goes with its namespace."""
    with contextlib.suppress(OSError):
        shutil.copytree(data_dir / "log", folder / "server-logs", dirs_exist_ok=True)
