"""
Pytest plugin: a real Postgres and a real Valkey for one test run.

Loaded by `-p tests.servers`, before Django's settings. The first process starts both
in a temporary folder and puts their addresses and the test secrets in the
environment; parallel workers inherit them, each with a Redis database of its own.
TEST_DATABASE_URL and TEST_REDIS_URL name other servers to use.
"""

from __future__ import annotations

import atexit
import base64
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit, urlunsplit

from config import embedded
from config.servers import lease
from config.servers.errors import StartError

REDIS_FOR_WORKERS = "TEST_REDIS_URL_OF_RUN"
SECRETS = {
    "SECRET_KEY": "tests-only-" + "s" * 40,
    "KEY_PEPPER": "tests-only-" + "p" * 40,
    "ENCRYPTION_KEYS": "k1:" + base64.b64encode(bytes(range(32))).decode(),
}


def set_up() -> None:
    """Prepare the environment of this process; start the servers if it is the first."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker:
        number = int(worker.removeprefix("gw")) + 1
        os.environ["REDIS_URL"] = redis_database(os.environ[REDIS_FOR_WORKERS], number)
        return
    os.environ.update(SECRETS)
    data_dir = Path(tempfile.mkdtemp(prefix="tokenhouse-tests-"))
    # The user that Postgres runs as passes through; nobody else can list it.
    data_dir.chmod(0o711)
    start_servers(data_dir)
    os.environ["DATA_DIR"] = str(data_dir)
    os.environ[REDIS_FOR_WORKERS] = os.environ["REDIS_URL"]


def start_servers(data_dir: Path) -> None:
    given = {
        "postgres": os.environ.get("TEST_DATABASE_URL", ""),
        "redis": os.environ.get("TEST_REDIS_URL", ""),
    }
    try:
        leases = lease.start(
            data_dir, [name for name, url in given.items() if not url], fast=True
        )
    except StartError as error:
        shutil.rmtree(data_dir, ignore_errors=True)
        sys.exit(f"The test servers do not start. {error}")
    atexit.register(tear_down, leases, data_dir, os.getpid())
    # A terminated run tears down as well; Ctrl-C is pytest's own.
    signal.signal(signal.SIGTERM, exit_cleanly)
    os.environ["DATABASE_URL"] = given["postgres"] or embedded.database_url(data_dir)
    os.environ["REDIS_URL"] = given["redis"] or embedded.redis_url(data_dir)


def tear_down(leases: Sequence[lease.Lease], data_dir: Path, process: int) -> None:
    if os.getpid() != process:  # a fork of us ends: the servers stay
        return
    lease.stop(leases)
    shutil.rmtree(data_dir, ignore_errors=True)


def exit_cleanly(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)


def redis_database(url: str, number: int) -> str:
    """Return the URL of another database of the same Redis."""
    if url.startswith("unix:"):
        return f"{url.partition('?')[0]}?db={number}"
    return urlunsplit(urlsplit(url)._replace(path=f"/{number}"))


set_up()
