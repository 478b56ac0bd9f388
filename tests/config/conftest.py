"""Data directories of their own, and commands run as a person runs them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import redis

from config import embedded
from config.servers import kernel
from config.servers.locks import wait_until

CHECKOUT = Path(__file__).resolve().parents[2]
# What the test run sets for itself, and what a developer may have set.
NOT_INHERITED = (
    *("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "KEY_PEPPER", "ENCRYPTION_KEYS"),
    *("DATA_DIR", "PORT", "BIND", "BASE_URL", "ALLOWED_HOSTS", "DEMO"),
    "DJANGO_SETTINGS_MODULE",
)
AnotherUser = Callable[[], None] | None


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data directory yet to be made, which any user could reach."""
    parent = Path(tempfile.mkdtemp(prefix="tokenhouse-data-"))
    parent.chmod(0o711)
    yield parent / "data"
    shutil.rmtree(parent, ignore_errors=True)


def environment(data_dir: Path, **changes: str) -> dict[str, str]:
    """Return the environment of somebody who set DATA_DIR and `changes` only."""
    kept = {
        name: text for name, text in os.environ.items() if name not in NOT_INHERITED
    }
    return kept | {"DATA_DIR": str(data_dir)} | changes


def manage(
    data_dir: Path, *arguments: str, as_user: AnotherUser = None, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=CHECKOUT,
        env=environment(data_dir, **changes),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=as_user,
    )


def stranger() -> AnotherUser:
    """Return what takes root's power over others' files; an ordinary user has none."""
    if os.geteuid() != 0:
        return None
    return lambda: kernel.enter_user_namespace(65534)


def query(data_dir: Path, statement: str) -> str:
    """Return the first value that a statement gives on the embedded Postgres."""
    connected = psycopg.connect(
        host=str(embedded.socket_dir(data_dir)),
        user="tokenhouse",
        dbname="tokenhouse",
        autocommit=True,
    )
    with closing(connected) as connection:
        cursor = connection.execute(statement)
        row = cursor.fetchone() if cursor.description else None
        return str(row[0]) if row else ""


def postgres_answers(data_dir: Path) -> bool:
    try:
        return query(data_dir, "SELECT 1") == "1"
    except psycopg.OperationalError:
        return False


def redis_answers(data_dir: Path) -> bool:
    with closing(redis.Redis.from_url(embedded.redis_url(data_dir))) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


def postgres_pid(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])


def kill(*pids: int) -> None:
    """End processes as a crash would, all at once; wait until they are gone."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not any(runs(pid) for pid in pids), timeout_s=5)


@dataclass(frozen=True, slots=True)
class Seen:
    """A process as the system lists it."""

    parent: int
    state: str
    command: str


def runs(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be reaped does not."""
    seen = processes().get(pid)
    return seen is not None and not seen.state.startswith("Z")


def parent_of(pid: int) -> int:
    return processes()[pid].parent


def processes() -> dict[int, Seen]:
    """Return every process by its number."""
    if not Path("/proc/self").exists():
        return listed_by_ps()
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, parent, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_text().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        found[int(entry.name)] = Seen(int(parent), state, command)
    return found


def listed_by_ps() -> dict[int, Seen]:
    shown = subprocess.run(
        ["ps", "-axo", "pid=,ppid=,state=,command="],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split(None, 3) for line in shown.stdout.splitlines()]
    return {
        int(pid): Seen(int(parent), state, command)
        for pid, parent, state, command in rows
    }
