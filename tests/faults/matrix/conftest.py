"""One gateway whose links to Postgres, Redis and the provider go through proxies."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from billing.actions.price_seeding import seed_prices
from billing.actions.sweep import charge_orphaned_holds
from billing.models import Budget, Hold
from core.periods import cycle_of
from orgs.models import Organization
from tests import rig
from tests.faults.network import Network, Proxy, Target, Trap, network
from tests.gateway.conftest import House, furnish_at
from tests.gateway.raw import BODY, Answer, call
from tests.rig import metrics_of

TRAP_DEADLINE_S = 15.0
# Shorter than the gateways of an installation wait: a test waits for each.
SETTINGS = {"GATEWAY_DRAIN_S": "1", "UPSTREAM_TIMEOUT_S": "1.5"}


@dataclass
class Links:
    """The proxies between a gateway and what it needs."""

    postgres: Proxy
    redis: Proxy
    provider: Proxy

    def settings(self) -> dict[str, str]:
        """Return the settings of a gateway that goes through the proxies."""
        parameters = connection.settings_dict
        user, name = parameters["USER"], parameters["NAME"]
        return SETTINGS | {
            "DATABASE_URL": f"postgres://{user}@127.0.0.1:{self.postgres.port}/{name}",
            "REDIS_URL": f"redis://127.0.0.1:{self.redis.port}/{redis_database()}",
        }

    def all(self) -> tuple[Proxy, ...]:
        return self.postgres, self.redis, self.provider


def postgres_target() -> Target:
    host = str(connection.settings_dict["HOST"])
    port = int(connection.settings_dict["PORT"] or 5432)
    return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)


def redis_target() -> Target:
    parts = urlsplit(os.environ["REDIS_URL"])
    if parts.scheme == "unix":
        return unquote(parts.netloc + parts.path)
    return parts.hostname or "127.0.0.1", parts.port or 6379


def redis_database() -> str:
    parts = urlsplit(os.environ["REDIS_URL"])
    if parts.scheme == "unix":
        return parts.query.partition("db=")[2] or "0"
    return parts.path.strip("/") or "0"


@pytest.fixture(scope="session")
def the_network() -> Iterator[Network]:
    with network() as opened:
        yield opened


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Provider]:
    with rig.provider(tmp_path_factory.mktemp("provider")) as process:
        yield process


@pytest.fixture(scope="session")
def session_links(
    the_network: Network, provider: rig.Provider, django_db_setup: None
) -> Links:
    return Links(
        postgres=the_network.proxy(postgres_target()),
        redis=the_network.proxy(redis_target()),
        provider=the_network.proxy(("127.0.0.1", provider.port)),
    )


@pytest.fixture
def links(session_links: Links) -> Iterator[Links]:
    """The proxies, in fair weather again after the test."""
    yield session_links
    for proxy in session_links.all():
        proxy.clear()


@pytest.fixture(scope="session")
def shared_gateway(
    tmp_path_factory: pytest.TempPathFactory,
    session_links: Links,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[rig.Process]:
    folder = tmp_path_factory.mktemp("gateway")
    with (
        django_db_blocker.unblock(),
        rig.gateway(folder, **session_links.settings()) as process,
    ):
        yield process
        violations = rig.metrics_of(process)["tokenhouse_bound_violations_total"]
        assert violations == 0, "a call cost more than its bound"


@pytest.fixture
def priced(committed_db: None, acme: Organization) -> Organization:
    """Acme on an empty database with prices."""
    seed_prices(now=timezone.now())
    return acme


@pytest.fixture
def house(
    priced: Organization,
    links: Links,
    provider: rig.Provider,
    shared_gateway: rig.Process,
) -> Iterator[House]:
    """Acme at the gateway that all tests share, with room for a dollar."""
    yield furnish(priced, links, shared_gateway)
    links.postgres.clear()
    # What it may book again after a broken commit is not for the next test's accounts.
    rig.wait_until(
        lambda: metrics_of(shared_gateway)["tokenhouse_holds_open"] == 0,
        what="the gateway still books",
    )


def furnish(acme: Organization, links: Links, gateway: rig.Process) -> House:
    """Give Acme a provider behind its proxy, a key and a limit of a dollar."""
    house = furnish_at(acme, links.provider, gateway.url)
    house.limit("0")
    # The test before may have cut its connections: then it says 503 for a while.
    rig.wait_until(lambda: ask(house).status == 429, what="it does not recover")
    house.limit("1")
    # Already spent from: the first booking of a cycle takes the long way.
    Budget.objects.get_or_create(
        organization=acme, cycle_start=cycle_of(timezone.now())
    )
    return house


@pytest.fixture
def own_gateway(
    priced: Organization, links: Links, tmp_path: Path
) -> Iterator[tuple[rig.Process, House]]:
    """A gateway of this test alone, which may kill it, and Acme there."""
    with rig.gateway(tmp_path, **links.settings()) as process:
        yield process, furnish(priced, links, process)


@pytest.fixture
def asking() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as threads:
        yield threads


def body_of(*, stream: bool, output: int = 40, **orders: Any) -> dict[str, Any]:
    """Return a request that steers the provider."""
    content = orjson.dumps({"output": output, **orders}).decode()
    messages = [{"role": "user", "content": content}]
    body = {**BODY, "messages": messages, "max_completion_tokens": 50}
    return {**body, "stream": True} if stream else body


def ask(house: House, **orders: Any) -> Answer:
    return call(house.url, house.key, body_of(**{"stream": False, **orders}))


def ask_soon(
    threads: ThreadPoolExecutor, house: House, **orders: Any
) -> Future[Answer]:
    """Ask in a thread; whoever does not get an answer raises there."""
    return threads.submit(ask, house, **orders)


def wait_for(trap: Trap) -> None:
    assert trap.is_sprung.wait(TRAP_DEADLINE_S), "nothing walked into the trap"


def sweep_until_clean(dead_after_s: float = 0.2) -> None:
    """Sweep as the worker does, until nothing is held."""

    def is_clean() -> bool:
        charge_orphaned_holds(dead_after_s=dead_after_s)
        return not Hold.objects.exists()

    rig.wait_until(is_clean, what="holds are left after the sweep")


@contextlib.contextmanager
def bills_of(provider: rig.Provider) -> Iterator[list[dict[str, Any]]]:
    """Yield a list that holds, after the block, what the provider wrote down in it."""
    before, new = len(provider.bills()), list[dict[str, Any]]()
    yield new
    new.extend(provider.bills()[before:])
