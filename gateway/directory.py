"""
What this process knows of keys, providers and prices: read once, dropped on change.

Postgres notifies at commit (triggers of billing/migrations/). While nobody
listens, nothing is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from django.db import Error as DatabaseError
from django.db import close_old_connections

from billing.gateway_models import GatewaySettings
from billing.price_book import PriceBook
from billing.price_list import load_price_book
from billing.rate_limit_list import rate_rules_of
from billing.rate_limits import RateRule
from gateway import database
from keys.models import ProviderKey
from keys.queries import open_provider_key
from keys.verification import Identity, identify
from orgs.reach import OF_GATEWAY, within

logger = logging.getLogger(__name__)

CHANNEL = "tokenhouse_gateways"
ENTRIES_MAX = 20_000
RECONNECT_PAUSE_S = 0.2
PROBE_EVERY_S = 1.0
PROBE_TIMEOUT_S = 2.0
# Readers of the database besides the books: few, since answers are kept.
THREADS = 2
# Whom a server that says nothing has kept waiting for so long is told that it is away.
READ_TIMEOUT_S = 4.0

T = TypeVar("T")


class DirectoryUnreachable(Exception):
    """Postgres does not answer, so nobody can be identified."""


@dataclass(frozen=True, slots=True)
class ProviderAccess:
    """Where an organization's requests go, and with which key."""

    base_url: str
    secret: str

    def __repr__(self) -> str:
        return f"ProviderAccess({self.base_url!r})"


class Directory:
    """Look-ups by key digest and organization, kept in memory while it is safe."""

    def __init__(self) -> None:
        self._entries: dict[Hashable, Any] = {}
        # What is being read, by name and generation.
        self._readings: dict[tuple[Hashable, int], asyncio.Task[Any]] = {}
        self._generation = 0
        self.is_listening = False
        self._listener: asyncio.Task[None] | None = None
        self._threads = new_threads()

    async def open(self) -> None:
        """Begin to listen for changes."""
        self._listener = asyncio.create_task(self._listen())

    async def close(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def identity(self, digest: str) -> Identity | None:
        """Return who a digest belongs to. Unknown digests are asked for each time."""
        return await self._kept(("key", digest), lambda: identify(digest))

    async def price_book(self, organization_id: int) -> PriceBook:
        """Return the prices of an organization: its own, then the list."""
        prices: PriceBook = await self._kept("prices", load_price_book)
        return prices.of(organization_id)

    async def provider_access(self, organization_id: int) -> ProviderAccess | None:
        """Return the organization's provider and key, or None if it has none."""
        return await self._kept(
            ("provider", organization_id), lambda: read_provider_access(organization_id)
        )

    async def rate_rules(self, organization_id: int) -> tuple[RateRule, ...]:
        """Return the organization's rate limits; most have none."""
        return await self._kept(
            ("rates", organization_id), lambda: rate_rules_of(organization_id)
        )

    async def gateway_settings(self, organization_id: int) -> GatewaySettings:
        """Return how an organization's requests are treated."""
        return await self._kept(
            ("settings", organization_id),
            lambda: read_gateway_settings(organization_id),
        )

    def keep(self, name: Hashable, value: object) -> None:
        """Remember something that a change of the watched tables makes void."""
        if self.is_listening and len(self._entries) < ENTRIES_MAX:
            self._entries[name] = value

    def kept(self, name: Hashable) -> Any:
        return self._entries.get(name)

    async def _kept(self, name: Hashable, read: Callable[[], T]) -> T:
        found: T | None = self._entries.get(name)
        if found is not None:
            return found
        if not self.is_listening:
            return await self._read(read)
        # Who asks for the same before it is read waits with the first: a gateway that
        # begins under load reads each thing once. Not across a change: that is news.
        asked = name, self._generation
        reading = self._readings.get(asked)
        if reading is None:
            reading = asyncio.create_task(self._read_and_keep(name, read))
            self._readings[asked] = reading
            reading.add_done_callback(lambda done: self._end_reading(asked, done))
        # One of them that leaves takes nothing from the others.
        value: T = await asyncio.shield(reading)
        return value

    async def _read_and_keep(self, name: Hashable, read: Callable[[], T]) -> T:
        generation = self._generation
        value = await self._read(read)
        # A change that came while we read may have made the answer old.
        if value is not None and generation == self._generation:
            self.keep(name, value)
        return value

    def _end_reading(
        self, asked: tuple[Hashable, int], reading: asyncio.Task[Any]
    ) -> None:
        del self._readings[asked]
        if not reading.cancelled():
            reading.exception()  # whoever waits is told; perhaps nobody does

    async def _read(self, read: Callable[[], T]) -> T:
        threads, loop = self._threads, asyncio.get_running_loop()
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                return await loop.run_in_executor(threads, with_connection(read))
        except DatabaseError as error:
            raise DirectoryUnreachable from error
        except TimeoutError as error:
            if threads is self._threads:
                # Those that wait for a dead connection wait on; others take over.
                threads.shutdown(wait=False)
                self._threads = new_threads()
            raise DirectoryUnreachable from error

    def _forget(self) -> None:
        self._generation += 1
        self._entries.clear()

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(psycopg.OperationalError, TimeoutError):
                await self._listen_once()
            self._lose_touch()
            await asyncio.sleep(RECONNECT_PAUSE_S)

    async def _listen_once(self) -> None:
        async with await database.connect() as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self._forget()
            self.is_listening = True
            while True:
                async for _ in connection.notifies(timeout=PROBE_EVERY_S):
                    self._forget()
                await self._probe(connection)

    async def _probe(self, connection: database.Connection) -> None:
        """
        Ask for a sign of life: a link that died silently brings no news.

        Without one everything is forgotten at once, while psycopg still takes some
        seconds to give the connection up.
        """
        loop = asyncio.get_running_loop()
        silence = loop.call_later(PROBE_TIMEOUT_S, self._lose_touch)
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await connection.execute("SELECT 1")
        finally:
            silence.cancel()

    def _lose_touch(self) -> None:
        self.is_listening = False
        self._forget()


def new_threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="directory")


def with_connection(read: Callable[[], T]) -> Callable[[], T]:
    """Run a read on this thread's Django connection, a fresh one if it went bad."""

    def wrapped() -> T:
        close_old_connections()
        try:
            with within(OF_GATEWAY):
                return read()
        finally:
            close_old_connections()

    return wrapped


def read_provider_access(organization_id: int) -> ProviderAccess | None:
    key = ProviderKey.objects.filter(organization_id=organization_id).first()
    if key is None:
        return None
    return ProviderAccess(base_url=key.base_url, secret=open_provider_key(key))


def read_gateway_settings(organization_id: int) -> GatewaySettings:
    found = GatewaySettings.objects.filter(organization_id=organization_id).first()
    return found or GatewaySettings(organization_id=organization_id)
