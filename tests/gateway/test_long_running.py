"""What a gateway keeps for long: few connections, no growing memory, no deadlock."""

from __future__ import annotations

import http.client
import resource
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest
from django.db import connection

from orgs.models import Environment, Organization
from tests import rig
from tests.factories import make_organization
from tests.gateway.conftest import House
from tests.gateway.memory import Memory
from tests.gateway.raw import BODY, CHAT, call
from tests.gateway.streams import streams

pytestmark = pytest.mark.processes

REQUESTS = 1500
GROWTH_MAX_MB = 8
# Fewer than any shell allows by itself.
A_SHELLS = 512


@pytest.fixture
def second_gateway(gateway: rig.Process, folder: Path) -> Iterator[rig.Process]:
    with rig.gateway(folder) as process:
        yield process


def test_two_gateways_book_many_organizations_without_a_deadlock(
    furnish: Callable[[Organization], House],
    gateway: rig.Process,
    second_gateway: rig.Process,
) -> None:
    houses = [furnish(organization(number)) for number in range(6)]
    asked = [
        (each, url) for each in houses for url in (gateway.url, second_gateway.url)
    ]

    # Other tests use the first gateway too, and hold locks against it.
    logs = [process.log for process in (gateway, second_gateway)]
    before = [len(log.read_text()) for log in logs]

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda one: call(one[1], one[0].key), asked * 20))

    assert {answer.status for answer in answers} == {200}
    # A request that an earlier test left to the first gateway may be booked late.
    asked_here = {answer.headers["x-request-id"] for answer in answers}
    booked = [
        [r for r in each.records() if f"req_{r.event_id.hex}" in asked_here]
        for each in houses
    ]
    assert [len(records) for records in booked] == [40] * 6
    for log, length in zip(logs, before, strict=True):
        assert "booking_failed" not in log.read_text()[length:]


def organization(number: int) -> Organization:
    return make_organization(f"Tenant {number}", environment=Environment.PRODUCTION)


def test_many_streams_take_no_more_connections_to_the_database(
    house: House, gateway: rig.Process
) -> None:
    call(house.url, house.key)
    before = connections_of_gateways()

    with streams(house.url, house.key, count=30, output=100, pause_s=0.05):
        assert len(house.holds()) > 20
        assert connections_of_gateways() <= before + 1

    rig.wait_until(lambda: house.holds() == [])


def connections_of_gateways() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def test_a_gateway_raises_a_shells_limit_of_open_connections(
    committed_db: None, folder: Path
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (A_SHELLS, hard))
    try:
        with rig.gateway(folder) as process:
            found, _ = resource.prlimit(process.popen.pid, resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert found > A_SHELLS


def test_memory_does_not_grow_with_the_requests(
    house: House, gateway: rig.Process
) -> None:
    ask_often(house, REQUESTS // 3)
    memory = Memory(gateway)

    ask_often(house, REQUESTS)

    assert memory.growth_mb() < GROWTH_MAX_MB


def ask_often(house: House, count: int) -> None:
    """Send so many requests over one connection."""
    client = http.client.HTTPConnection(urlsplit(house.url).netloc, timeout=30)
    headers = {"Authorization": f"Bearer {house.key}"}
    for _ in range(count):
        client.request("POST", CHAT, body=orjson.dumps(BODY), headers=headers)
        response = client.getresponse()
        response.read()
        assert response.status == 200
    client.close()
