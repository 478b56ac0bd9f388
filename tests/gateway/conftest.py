"""A gateway and a provider as real processes, and the real SDK to speak to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from django.utils import timezone
from openai import (
    AsyncOpenAI,
    DefaultAsyncHttpxClient,
    DefaultHttpxClient,
    OpenAI,
)
from pytest_django import DjangoDbBlocker

from billing.actions.price_seeding import seed_prices
from billing.models import BillingProfile, Budget, Hold, SpendLimits
from core.periods import cycle_of
from keys.actions import issue_key, store_provider_key
from orgs.models import Organization, User
from tests import rig
from tests.answered import watch, watch_async
from tests.factories import usd
from usage.models import UsageRecord


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Provider]:
    with rig.provider(tmp_path_factory.mktemp("provider")) as process:
        yield process


@pytest.fixture(scope="session")
def shared_gateway(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[rig.Process]:
    with django_db_blocker.unblock():
        folder = tmp_path_factory.mktemp("gateway")
        running = rig.gateway(folder, GATEWAY_DRAIN_S="2", UPSTREAM_TIMEOUT_S="5")
        with running as process:
            yield process


@pytest.fixture
def gateway(committed_db: None, shared_gateway: rig.Process) -> rig.Process:
    """A gateway on an empty database with prices."""
    seed_prices(now=timezone.now())
    return shared_gateway


@dataclass
class House:
    """An organization with a provider, and a key for it."""

    organization: Organization
    key: str
    url: str

    def client(self, **options: Any) -> OpenAI:
        return client_of(self.url, self.key, **options)

    def budget(self) -> Budget:
        cycle = cycle_of(timezone.now())
        return Budget.objects.get(organization=self.organization, cycle_start=cycle)

    def records(self) -> list[UsageRecord]:
        records = UsageRecord.objects.filter(organization=self.organization)
        return list(records.order_by("sequence"))

    def holds(self) -> list[Hold]:
        return list(Hold.objects.filter(organization=self.organization))

    def limit(self, amount: str | None) -> None:
        """Set the hard limit in dollars."""
        SpendLimits.objects.update_or_create(
            organization=self.organization,
            defaults={"hard_limit_nanos": None if amount is None else usd(amount)},
        )


# The clients of the test that runs.
CLIENTS: list[OpenAI] = []


def client_of(url: str, key: str, **options: Any) -> OpenAI:
    """
    Return the official client with its retries off, so that refusals are seen.

    It is closed at the end of the test.
    """
    http_client = options.pop("http_client", None) or DefaultHttpxClient()
    hooks = http_client.event_hooks
    http_client.event_hooks = {**hooks, "response": [*hooks["response"], watch]}
    settings = {"max_retries": 0, "timeout": 30, **options, "http_client": http_client}
    client = OpenAI(base_url=f"{url}/v1", api_key=key, **settings)
    CLIENTS.append(client)
    return client


def async_client_of(url: str, key: str) -> AsyncOpenAI:
    """Return the official asynchronous client; its user closes it."""
    hooks: dict[str, list[Any]] = {"response": [watch_async]}
    return AsyncOpenAI(
        base_url=f"{url}/v1",
        api_key=key,
        max_retries=0,
        http_client=DefaultAsyncHttpxClient(event_hooks=hooks),
    )


@pytest.fixture(autouse=True)
def _clients_closed() -> Iterator[None]:
    yield
    while CLIENTS:
        CLIENTS.pop().close()


def service_key(
    organization: Organization, *, kind: str = "service", maker: User | None = None
) -> str:
    """Issue a key that belongs to an organization: a service's, or an admin key."""
    issued = issue_key(
        kind=kind,
        environment=organization.environment,
        name="tests",
        organization=organization,
        user=None,
        acting_user=maker,
        expires_at=None,
        now=timezone.now(),
    )
    return issued.text


def personal_key(user: User, environment: str) -> str:
    issued = issue_key(
        kind="personal",
        environment=environment,
        name="tests",
        organization=None,
        user=user,
        acting_user=user,
        expires_at=None,
        now=timezone.now(),
    )
    return issued.text


class HasUrl(Protocol):
    """A provider, or whatever stands before it."""

    @property
    def url(self) -> str: ...


def furnish_at(organization: Organization, provider: HasUrl, url: str) -> House:
    """Give an organization a provider, billing information and a key."""
    store_provider_key(
        organization=organization,
        base_url=f"{provider.url}/v1",
        secret="sk-provider-secret",
        acting_user=None,
        now=timezone.now(),
    )
    BillingProfile.objects.create(organization=organization, legal_name="Acme Inc")
    return House(organization, service_key(organization), url)


@pytest.fixture
def furnish(
    gateway: rig.Process, provider: rig.Provider
) -> Callable[[Organization], House]:
    """Furnish organizations at the shared gateway."""
    return lambda organization: furnish_at(organization, provider, gateway.url)


@pytest.fixture
def house(
    gateway: rig.Process, acme: Organization, furnish: Callable[[Organization], House]
) -> House:
    """Acme, ready to spend without a limit."""
    return furnish(acme)


@pytest.fixture
def staging(gateway: rig.Process, acme_staging: Organization) -> House:
    """Acme Staging on the sandbox."""
    return House(acme_staging, service_key(acme_staging), gateway.url)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
