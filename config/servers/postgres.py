"""The embedded Postgres: made once, on a socket only, never as root."""

from __future__ import annotations

import os
import re
import shutil
import signal
import struct
import subprocess
from pathlib import Path
from typing import IO

from config.servers import binaries, locks, run_as
from config.servers.errors import StartError, unusable
from config.servers.places import Places
from config.servers.server import ask, lives, works_in

ROLE = "tokenhouse"
DATABASE = "tokenhouse"
SOCKET = ".s.PGSQL.5432"
PROTOCOL_3 = 196_608
TELLING = re.compile(r"(?:FATAL|PANIC|error):\s+(.*)")
# What our own question is answered while Postgres starts: no reason.
NOT_YET = "the database system is starting up"
TERMINATE = b"X\0\0\0\4"
FIRST_MAJOR_WITH_BUILTIN_LOCALE = 17
LEFTOVER_STOP_S = 10.0
# For tests: a crash may lose everything.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class Postgres:
    name = "postgres"
    title = "Postgres"
    # Long: after a crash it replays its log first.
    start_timeout_s = 120.0
    stop_signals: tuple[signal.Signals, ...] = (
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGKILL,
    )

    def __init__(self, places: Places, *, fast: bool) -> None:
        self.places = places
        self.data = places.data_dir / "postgres"
        self.fast = fast
        self.bin_dir = binaries.postgres_bin_dir()
        self.way = run_as.choose(self.bin_dir, places.data_dir)

    def prepare(self) -> None:
        try:
            self.way.give(self.places.sockets)
            if self.is_set_up():
                self.refuse_other_major()
                self.way.give(self.data)
                self.stop_leftover()
                self.drop_stale_locks()
            else:
                self.set_up()
        except OSError as error:
            raise unusable(self.data, error) from error

    def is_set_up(self) -> bool:
        if (self.data / "PG_VERSION").is_file():
            return True
        if self.data.exists() and any(self.data.iterdir()):
            raise StartError(
                f"{self.data} holds files but no Postgres data (no PG_VERSION). "
                "Move it away, or set DATA_DIR to another folder."
            )
        return False

    def set_up(self) -> None:
        """Make the data directory under another name first: it is whole or absent."""
        fresh = self.data.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self.way.give(fresh)
        self.must_run(["initdb", "-D", str(fresh), *self.initdb_options()])
        self.must_run(
            ["postgres", "--single", "-D", str(fresh), "postgres"],
            text=f"CREATE DATABASE {DATABASE};\n",
        )
        fresh.rename(self.data)

    def initdb_options(self) -> list[str]:
        options = ["-U", ROLE, "-A", "trust", "-E", "UTF8", "--no-locale"]
        options += ["--no-instructions"]
        if self.major() >= FIRST_MAJOR_WITH_BUILTIN_LOCALE:
            options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        return [*options, "--no-sync"] if self.fast else options

    def must_run(self, arguments: list[str], *, text: str = "") -> str:
        program, *rest = arguments
        done = self.way.run([self.bin_dir / program, *rest], text=text)
        if done.returncode != 0:
            raise StartError(
                f"Postgres could not set up {self.data}: {complaint(done.stderr)}"
            )
        return done.stdout

    def major(self) -> int:
        return binaries.major_version(self.must_run(["postgres", "--version"]))

    def refuse_other_major(self) -> None:
        theirs = (self.data / "PG_VERSION").read_text().strip()
        ours = str(self.major())
        if theirs != ours:
            raise StartError(
                f"{self.data} was made by Postgres {theirs}, but {self.bin_dir} is "
                f"Postgres {ours}. Set TOKENHOUSE_PG_BIN to the programs of Postgres "
                f"{theirs}; to move on, dump with its `pg_dump`, move the folder away, "
                f"start again and restore the dump."
            )

    def stop_leftover(self) -> None:
        """Stop a server that outlived a killed keeper."""
        pid = first_number(self.data / "postmaster.pid")
        if pid is None or not works_in(pid, self.data):
            return
        for signum in (signal.SIGINT, signal.SIGQUIT):
            os.kill(pid, signum)
            if locks.wait_until(lambda: not lives(pid), timeout_s=LEFTOVER_STOP_S):
                return
        raise StartError(f"An old Postgres (process {pid}) does not stop. Stop it.")

    def drop_stale_locks(self) -> None:
        """Remove locks whose process number now belongs to another program."""
        for lock in (
            self.data / "postmaster.pid",
            self.places.sockets / f"{SOCKET}.lock",
        ):
            pid = first_number(lock)
            if pid is not None and lives(pid) and not works_in(pid, self.data):
                lock.unlink()

    def spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        settings = [
            "listen_addresses=",
            f"unix_socket_directories={self.places.sockets}",
            "unix_socket_permissions=0700",
            "port=5432",
            "max_connections=200",
            *(FAST if self.fast else ()),
        ]
        options = [part for setting in settings for part in ("-c", setting)]
        return subprocess.Popen(
            [self.bin_dir / "postgres", "-D", self.data, *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **self.way.options(die_by=signal.SIGINT),
        )

    def answers(self) -> bool:
        answer = ask(self.places.sockets / SOCKET, startup_message(), goodbye=TERMINATE)
        return answer.startswith(b"R")


def startup_message() -> bytes:
    """Return the first message of Postgres's protocol, version 3."""
    body = f"user\0{ROLE}\0database\0{DATABASE}\0\0".encode()
    return struct.pack("!ii", len(body) + 8, PROTOCOL_3) + body


def first_number(path: Path) -> int | None:
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def complaint(text: str) -> str:
    """Return what a program's output says is wrong: its last complaint."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = [TELLING.search(line) for line in lines]
    reasons = [match[1] for match in found if match and NOT_YET not in match[1]]
    return (reasons or lines or ["it gave no reason"])[-1]
