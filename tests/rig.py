"""Real processes for tests: a provider that keeps books, and gateways."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import orjson
from django.db import connection
from prometheus_client.parser import text_string_to_metric_families

CHECKOUT = Path(__file__).resolve().parent.parent
# Long: where the whole of a machine is at work, a start takes its time.
START_DEADLINE_S = 90.0
METRICS_TOKEN = "tests-only-" + "m" * 40


class NotInTime(AssertionError):
    """Something that should have come about did not."""


def wait_until(
    condition: Callable[[], bool], *, deadline_s: float = 20.0, what: str = ""
) -> None:
    """Return once the condition holds."""
    ends = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > ends:
            raise NotInTime(what or "the condition never held")
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_database_url() -> str:
    """Return the URL of this test process's own database."""
    parameters = connection.settings_dict
    host = quote(str(parameters["HOST"]), safe="")
    port = f":{parameters['PORT']}" if parameters["PORT"] else ""
    return f"postgres://{parameters['USER']}@{host}{port}/{parameters['NAME']}"


@dataclass
class Process:
    """A process of ours on a loopback port."""

    popen: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it as a crash does: nothing is flushed, nobody is told."""
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait(10)

    def stop(self) -> None:
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


class HasUrl(Protocol):
    """What answers HTTP."""

    @property
    def url(self) -> str: ...


def metrics_of(process: HasUrl, *, timeout_s: float = 20) -> dict[str, float]:
    """Return what a gateway counts of itself, by name and labels."""
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    request = urllib.request.Request(f"{process.url}/metrics", headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310
        families = text_string_to_metric_families(answer.read().decode())
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in families
        for sample in family.samples
    }


@dataclass
class Provider(Process):
    """The stand-in provider, and what it wrote down."""

    truth: Path

    def bills(self) -> list[dict[str, Any]]:
        """Return what it billed, a dictionary for each request that arrived."""
        return [line for line in self._lines() if "look" not in line]

    def looks(self) -> list[str]:
        """Return the paths of the requests that cost nothing."""
        return [line["look"] for line in self._lines() if "look" in line]

    def _lines(self) -> list[dict[str, Any]]:
        if not self.truth.exists():
            return []
        return [orjson.loads(line) for line in self.truth.read_bytes().splitlines()]


@contextlib.contextmanager
def provider(folder: Path) -> Iterator[Provider]:
    """Run the stand-in provider."""
    truth, port = folder / f"truth-{free_port()}.jsonl", free_port()
    command = ["-m", "tests.provider", "--port", str(port), "--truth", str(truth)]
    with running(command, port, folder / "provider.log", {}) as (popen, log):
        yield Provider(popen, port, log, truth)


@contextlib.contextmanager
def gateway(
    folder: Path,
    application: str = "config.asgi:application",
    *,
    clock: str = "",
    **environment: str,
) -> Iterator[Process]:
    """
    Run console and gateway on this test's database; settings as keywords.

    A `clock` is a file that says by how many seconds the host's clock is wrong.
    """
    port = free_port()
    command = [
        *(("-m", "tests.faults.shifted", clock) if clock else ()),
        *("-m", "uvicorn", application, "--port", str(port)),
        *("--loop", "uvloop", "--http", "config.receipt:CarefulHttp"),
        *("--lifespan", "on", "--no-access-log", "--no-proxy-headers"),
        *("--log-level", "warning"),
    ]
    settings = {
        "DATABASE_URL": test_database_url(),
        "REDIS_URL": os.environ["REDIS_URL"],
        "SANDBOX_PACE": "off",
        # A busy machine is no reason to count without Redis.
        "RATE_LIMIT_TIMEOUT_S": "10",
        "METRICS_TOKEN": METRICS_TOKEN,
        "BASE_URL": f"http://localhost:{port}",
        # Where the stand-in provider is.
        "PROVIDER_ALLOWED_NETWORKS": "127.0.0.0/8",
        **environment,
    }
    with running(command, port, folder / f"gateway-{port}.log", settings) as (p, log):
        yield Process(p, port, log)


@contextlib.contextmanager
def running(
    command: list[str], port: int, log: Path, environment: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    with log.open("wb") as output:
        popen = subprocess.Popen(
            [sys.executable, *command],
            cwd=CHECKOUT,
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
        )
    process = Process(popen, port, log)
    try:
        wait_until(
            lambda: answers(process),
            deadline_s=START_DEADLINE_S,
            what=f"{command[1]} does not answer",
        )
        yield popen, log
    finally:
        process.stop()


def answers(process: Process) -> bool:
    """Say whether the process answers HTTP with anything at all."""
    if process.popen.poll() is not None:
        raise NotInTime(process.log.read_text()[-3000:])
    try:
        urllib.request.urlopen(f"{process.url}/v1/models", timeout=2).close()  # noqa: S310
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return True
    except OSError:
        return False
    return True
