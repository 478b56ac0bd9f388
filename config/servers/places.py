"""The folders of a data directory: who owns them, and how private they are."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from config import embedded
from config.servers.errors import StartError, unusable

LOG_KEPT_BYTES = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Places:
    data_dir: Path

    @property
    def run(self) -> Path:
        return self.data_dir / "run"

    @property
    def log(self) -> Path:
        return self.data_dir / "log"

    @property
    def sockets(self) -> Path:
        return embedded.socket_dir(self.data_dir)

    def make(self) -> None:
        """
        Make what is missing. The modes of folders that were there stay.

        :raises StartError: if the data directory cannot be used.
        """
        try:
            self._make_data_dir()
            for folder in (self.run, self.log):
                folder.mkdir(mode=0o700, exist_ok=True)
            make_private(self.sockets)
        except OSError as error:
            raise unusable(self.data_dir, error) from error

    def _make_data_dir(self) -> None:
        if self.data_dir.is_dir():
            if not os.access(self.data_dir, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(13, "Permission denied", str(self.data_dir))
            return
        if self.data_dir.exists():
            raise StartError(
                f"DATA_DIR {self.data_dir} is a file. Set DATA_DIR to a folder."
            )
        self.data_dir.mkdir(parents=True, exist_ok=True)
        # Postgres never runs as root: the user it runs as must pass through.
        self.data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)


def make_private(folder: Path) -> None:
    """
    Make a folder that only its owner enters; an existing one must be such.

    :raises StartError: if it is somebody else's: a trap in a shared folder.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    ours = found.st_uid == os.geteuid()
    if not stat.S_ISDIR(found.st_mode) or (not ours and os.geteuid() != 0):
        raise StartError(
            f"{folder} belongs to somebody else. Remove it, or set DATA_DIR."
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        if not ours:
            raise StartError(f"{folder} is open to others. Remove it, or set DATA_DIR.")
        folder.chmod(0o700)


def trim_log(path: Path) -> None:
    """Keep the last 5 MB of a log file."""
    if not path.exists() or path.stat().st_size <= LOG_KEPT_BYTES:
        return
    with path.open("rb") as file:
        file.seek(-LOG_KEPT_BYTES, os.SEEK_END)
        kept = file.read()
    path.write_bytes(kept)


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a log file that are not blank; none if unreadable."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 16_384))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][-count:]
