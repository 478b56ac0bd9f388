"""As whom the programs of Postgres run: they refuse to be started by root."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.servers import kernel
from config.servers.errors import StartError

UNPRIVILEGED_USERS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class RunAs:
    """A way to run a program: as the caller, as another user, or in a namespace."""

    owner_uid: int
    owner_gid: int
    drops_user: bool = False
    namespace_uid: int | None = None

    def options(self, *, die_by: signal.Signals | None = None) -> dict[str, Any]:
        """Return the arguments for `subprocess`; `die_by` ties it to our life."""
        options: dict[str, Any] = {
            "cwd": "/",
            "start_new_session": True,
            "env": server_environment(),
            "preexec_fn": self._before_program(die_by),
        }
        if self.drops_user:
            options |= {
                "user": self.owner_uid,
                "group": self.owner_gid,
                "extra_groups": [],
            }
        return options

    def _before_program(
        self, die_by: signal.Signals | None
    ) -> Callable[[], None] | None:
        if self.namespace_uid is None and die_by is None:
            return None
        parent, inside = os.getpid(), self.namespace_uid

        def prepare() -> None:
            # A change of user forgets the signal: the order matters.
            if inside is not None:
                kernel.enter_user_namespace(inside)
            if die_by is not None:
                kernel.follow_parent(parent, die_by)

        return prepare

    def run(
        self, arguments: list[str | Path], *, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end with `text` as its input."""
        return subprocess.run(
            arguments,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            **self.options(),
        )

    def give(self, folder: Path) -> None:
        """Make the owner own a folder and what is in it, if that is not so."""
        if folder.lstat().st_uid == self.owner_uid:
            return
        for parent, folders, files in os.walk(folder):
            for name in folders + files:
                os.lchown(os.path.join(parent, name), self.owner_uid, self.owner_gid)
        # Last, so that an interrupted walk is repeated.
        os.lchown(folder, self.owner_uid, self.owner_gid)


def server_environment() -> dict[str, str]:
    """Return our environment without what would bend a server's own settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "LC_"))
    }
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def choose(bin_dir: Path, data_dir: Path) -> RunAs:
    """
    Return a way to run the programs in `bin_dir` on data in `data_dir`.

    As root: as an unprivileged user if that one reaches both, else in a user
    namespace. The modes of existing folders are never changed.

    :raises StartError: if root finds no way.
    """
    if os.geteuid() != 0:
        return RunAs(os.geteuid(), os.getegid())
    for way in ways_of_root():
        if reaches(way, bin_dir, data_dir):
            return way
    raise StartError(
        "Postgres does not run as root, no other user reaches "
        f"{data_dir} and {bin_dir}, and user namespaces are refused here. Run as an "
        "ordinary user, move the checkout and DATA_DIR where the user `postgres` or "
        "`nobody` can read, or set DATABASE_URL."
    )


def ways_of_root() -> Iterator[RunAs]:
    for name in UNPRIVILEGED_USERS:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        yield RunAs(user.pw_uid, user.pw_gid, drops_user=True)
    yield RunAs(0, 0, namespace_uid=65534)


def reaches(way: RunAs, bin_dir: Path, data_dir: Path) -> bool:
    """Return whether a program run that way enters the data and starts Postgres."""
    script = 'cd "$1" && exec "$2" --version'
    try:
        found = way.run(["/bin/sh", "-c", script, "sh", data_dir, bin_dir / "postgres"])
    except (OSError, subprocess.SubprocessError):
        return False
    return found.returncode == 0
