"""Redis that dies, hangs or forgets: rates are counted on, and nobody waits long."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orgs.models import Organization
from tests import rig
from tests.gateway.conftest import House, furnish_at
from tests.gateway.rates import OwnRedis, limit_rate, own_redis
from tests.gateway.raw import BODY, Answer, call

pytestmark = pytest.mark.processes

SMALL = {**BODY, "max_completion_tokens": 1}
LEFT = "x-ratelimit-remaining-requests"


@pytest.fixture
def valkey(folder: Path) -> Iterator[OwnRedis]:
    with own_redis(folder) as server:
        yield server


@pytest.fixture
def process(
    committed_db: None, acme: Organization, folder: Path, valkey: OwnRedis
) -> Iterator[rig.Process]:
    """A gateway whose Redis is this test's alone."""
    limit_rate(acme, requests_per_minute=5)
    with rig.gateway(folder, REDIS_URL=valkey.url, RATE_LIMIT_TIMEOUT_S="1") as gateway:
        yield gateway


@pytest.fixture
def lonely(process: rig.Process, acme: Organization, provider: rig.Provider) -> House:
    """Acme with five requests a minute, at that gateway."""
    return furnish_at(acme, provider, process.url)


def ask(house: House) -> Answer:
    return call(house.url, house.key, SMALL)


def test_a_redis_that_dies_hands_out_no_new_allowance(
    lonely: House, valkey: OwnRedis, process: rig.Process
) -> None:
    begun = time.monotonic()
    assert [ask(lonely).status for _ in range(4)] == [200] * 4
    valkey.kill()

    statuses = [ask(lonely).status for _ in range(4)]

    drained = int((time.monotonic() - begun) / 12)
    assert statuses[0] == 200
    assert 1 <= statuses.count(200) <= 1 + drained
    assert 429 in statuses or drained
    counted = rig.metrics_of(process)
    assert counted["tokenhouse_rate_checks_total local"] == 4
    assert counted["tokenhouse_rate_checks_total redis"] == 4
    assert counted["tokenhouse_rate_store_reachable"] == 0


def test_a_redis_that_comes_back_counts_again(lonely: House, valkey: OwnRedis) -> None:
    ask(lonely)
    valkey.kill()
    assert ask(lonely).status == 200

    valkey.start()

    assert valkey.calls() == 0
    rig.wait_until(lambda: ask(lonely).status in {200, 429} and valkey.calls() > 0)
    assert valkey.client.keys("tokenhouse:rates:*")


def test_a_redis_that_was_flushed_counts_from_nothing(
    lonely: House, valkey: OwnRedis
) -> None:
    for _ in range(6):
        last = ask(lonely)
    assert last.status == 429
    valkey.client.flushall()
    valkey.client.script_flush()

    answer = ask(lonely)

    assert (answer.status, answer.headers[LEFT]) == (200, "4")


def test_a_redis_that_hangs_costs_one_request_its_time_out(
    lonely: House, valkey: OwnRedis, process: rig.Process
) -> None:
    ask(lonely)
    os.kill(valkey.pid, signal.SIGSTOP)
    try:
        statuses = [ask(lonely).status for _ in range(3)]
    finally:
        os.kill(valkey.pid, signal.SIGCONT)

    assert statuses == [200] * 3
    # One waited, and was told to look elsewhere; the others did not even ask.
    log = process.log
    rig.wait_until(lambda: "rate_store_reachable" in log.read_text())
    assert log.read_text().count("rate_store_lost") == 1
