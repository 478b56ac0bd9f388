"""A whole house of real processes, and what the schedule does to it."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from django.db import (
    InterfaceError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from django.utils import timezone

from billing.actions.limits import set_hard_limit
from billing.actions.price_seeding import seed_prices
from billing.models import BillingProfile, Budget
from config.servers.lease import Lease
from core.periods import cycle_interval, cycle_of
from keys.actions import KeyAlreadyRevoked, issue_key, revoke_key, store_provider_key
from keys.models import ApiKey
from orgs.models import Organization
from tests.factories import make_organization
from tests.faults import parts
from tests.faults.clients import Clients, KeyRing, name_of
from tests.faults.network import Network, Proxy, Weather
from tests.faults.points import POINTS
from tests.faults.schedule import GATEWAYS, Fault
from tests.faults.shifted import set_clock
from tests.faults.truth import Truth
from usage.partitions import ensure_coming_partitions

T = TypeVar("T")

CLIENTS = 16
DATABASE = "postgres://tokenhouse@127.0.0.1:{port}/tokenhouse"
TRAP_WAIT_S = 5.0
WEATHERS = {
    "latency": Weather(latency_s=0.1),
    "drip": Weather(drip_s=0.003),
    "black hole": Weather(is_black_hole=True),
    "cut short": Weather(breaks_after=700),
}
OUTAGE_MAX_S = 60.0
# How many more requests a raised limit has room for.
ROOM = (5, 60)


class House:
    """Acme with two gateways, a provider, and clients who spend to the limit."""

    def __init__(
        self,
        folder: Path,
        leases: list[Lease],
        network: Network,
        *,
        application: str,
        seed: int,
    ) -> None:
        self.folder = folder
        self.leases = leases
        self.provider, truth = parts.provider(folder)
        self.to_provider = network.proxy(("127.0.0.1", self.provider.port))
        socket = f"{connection.settings_dict['HOST']}/.s.PGSQL.5432"
        self.to_postgres = [network.proxy(socket) for _ in range(GATEWAYS)]
        self.gateways = [
            parts.gateway(
                f"gateway-{number}",
                folder,
                application,
                database=DATABASE.format(port=proxy.port),
            )
            for number, proxy in enumerate(self.to_postgres)
        ]
        self.organization = self._furnish()
        self.truth = Truth(truth)
        self.keys = KeyRing(self._new_key())
        urls = [gateway.url for gateway in self.gateways]
        self.clients = Clients(urls, self.keys, count=CLIENTS, seed=seed)
        # The most that may have been spent by now, whatever the limit was when.
        self.cycle = cycle_of(timezone.now())
        self.ceiling_nanos = 0
        # In other cycles, of gateways whose clock is wrong.
        self.ceiling_elsewhere_nanos = 0
        # What happened, and what of each kind: for the table of the run.
        self.drawn: Counter[str] = Counter()
        self._limit_nanos = 0
        self._one_at_a_time = threading.Lock()

    def _furnish(self) -> Organization:
        now = timezone.now()
        ensure_coming_partitions(now=now)
        seed_prices(now=now)
        acme = make_organization("Acme")
        BillingProfile.objects.create(organization=acme, legal_name="Acme Inc")
        store_provider_key(
            organization=acme,
            base_url=f"{self.to_provider.url}/v1",
            secret="sk-provider-secret",
            acting_user=None,
            now=now,
        )
        return acme

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Start all processes, and end them afterwards."""
        everything = [self.provider, *self.gateways]
        try:
            for part in everything:
                part.start()
            self.raise_limit(0.5)
            yield
        finally:
            for part in reversed(everything):
                part.stop()

    def suffer(self, fault: Fault) -> None:
        """Carry a fault out, from its beginning to its end."""
        act: Callable[[Fault], str | None] = getattr(self, f"_{fault.name}")
        detail = act(fault)
        self.drawn[f"{fault.name} {detail}" if detail else fault.name] += 1

    def _kill_gateway(self, fault: Fault) -> None:
        bring_down(self.gateways[fault.gateway], fault.lasts_s)

    def _kill_provider(self, fault: Fault) -> None:
        bring_down(self.provider, fault.lasts_s)

    def _pause_gateway(self, fault: Fault) -> None:
        gateway = self.gateways[fault.gateway]
        with gateway.fault:
            gateway.send(signal.SIGSTOP)
            time.sleep(fault.lasts_s)
            gateway.send(signal.SIGCONT)

    def _cut_connections(self, fault: Fault) -> None:
        survive(cut_connections)

    def _kill_postgres(self, fault: Fault) -> str:
        signum = fault.pick([signal.SIGKILL, signal.SIGINT])
        parts.end_postgres(settings.DATA_DIR, signum)
        return signum.name

    def _kill_gateway_at(self, fault: Fault) -> str:
        """Kill a gateway at a named moment of a request."""
        name = fault.pick(list(POINTS))
        point, gateway = POINTS[name], self.gateways[fault.gateway]
        is_by_provider = point.link == "provider"
        proxy = self.to_provider if is_by_provider else self.to_postgres[fault.gateway]
        pattern = name_of(fault.gateway).encode() if is_by_provider else point.pattern
        with gateway.fault:
            trap = proxy.set_trap(pattern, answers=point.answers)
            if not trap.is_sprung.wait(TRAP_WAIT_S):
                proxy.remove_trap(trap)
                return f"{name} (nobody came)"
            gateway.kill()
            trap.drop()
            time.sleep(fault.lasts_s)
            gateway.start()
        return name

    def _stop_gateway(self, fault: Fault) -> None:
        """Deploy: end a gateway politely and start it again."""
        with self.gateways[fault.gateway].fault:
            self.gateways[fault.gateway].stop()
            self.gateways[fault.gateway].start()

    def _bad_link_to_postgres(self, fault: Fault) -> str:
        return self._suffer_weather(self.to_postgres[fault.gateway], fault)

    def _bad_link_to_provider(self, fault: Fault) -> str:
        return self._suffer_weather(self.to_provider, fault)

    def _suffer_weather(self, proxy: Proxy, fault: Fault) -> str:
        name = fault.pick(list(WEATHERS))
        with proxy.suffers(WEATHERS[name]):
            time.sleep(fault.lasts_s)
        return name

    def _silent_links(self, fault: Fault) -> None:
        self.to_postgres[fault.gateway].forget_links()

    def _refuse_postgres(self, fault: Fault) -> None:
        proxy = self.to_postgres[fault.gateway]
        with self.gateways[fault.gateway].fault, proxy.refuses():
            time.sleep(fault.lasts_s)

    def _refuse_provider(self, fault: Fault) -> None:
        with self.provider.fault, self.to_provider.refuses():
            time.sleep(fault.lasts_s)

    def _wrong_clock(self, fault: Fault) -> str:
        seconds = fault.pick([3600.0, -3600.0])
        self._have_clock(fault, seconds)
        return f"{seconds:+.0f} s"

    def _roll_month(self, fault: Fault) -> None:
        """Have midnight of the month's end come within the time of the fault."""
        now = timezone.now()
        to_midnight_s = (cycle_interval(self.cycle).end - now).total_seconds()
        self._have_clock(fault, to_midnight_s - fault.lasts_s / 2)

    def _have_clock(self, fault: Fault, seconds: float) -> None:
        clock = parts.clock_of(f"gateway-{fault.gateway}", self.folder)
        set_clock(clock, seconds)
        time.sleep(fault.lasts_s)
        set_clock(clock, 0)

    def _flush_valkey(self, fault: Fault) -> None:
        parts.flush_valkey(settings.REDIS_URL)

    def _kill_valkey(self, fault: Fault) -> None:
        parts.kill_valkey(settings.REDIS_URL)

    def _raise_limit(self, fault: Fault) -> None:
        with self._one_at_a_time:
            self.raise_limit(fault.share)

    def _lower_limit(self, fault: Fault) -> None:
        with self._one_at_a_time:
            self.lower_limit(fault.share)

    def _change_key(self, fault: Fault) -> None:
        with self._one_at_a_time:
            old, self.keys.good = self.keys.good, survive(self._new_key)
            survive(lambda: revoke(old))
            self.keys.revoked.append((time.monotonic(), old))

    def raise_limit(self, share: float) -> None:
        """Make room for some more requests."""
        least, most = ROOM
        used = survive(self.used_nanos)
        room = (least + share * (most - least)) * self.truth.typical_nanos()
        self._limit_nanos = max(used, self._limit_nanos) + int(room)
        # Before its commit: from then on it may be spent.
        self.ceiling_nanos = max(self.ceiling_nanos, self._limit_nanos)
        self.ceiling_elsewhere_nanos = max(
            self.ceiling_elsewhere_nanos, self._limit_nanos
        )
        survive(self._set_limit)

    def lower_limit(self, share: float) -> None:
        """Set the limit to what is spent or a little below."""
        used = survive(self.used_nanos)
        self._limit_nanos = int(used * (0.8 + 0.2 * share))
        survive(self._set_limit)
        # Whoever decides after this lock sees the new limit; who did before, is in.
        self.ceiling_nanos = max(survive(self.used_nanos), self._limit_nanos)

    def _set_limit(self) -> None:
        set_hard_limit(
            organization=self.organization,
            amount_nanos=self._limit_nanos,
            acting_user=None,
            now=timezone.now(),
        )

    def used_nanos(self) -> int:
        """Return what is spent or held, under the books' own lock."""
        with transaction.atomic():
            budgets = Budget.objects.filter(cycle_start=self.cycle)
            budgets = budgets.select_for_update()
            return sum(b.spent_nanos + b.held_nanos for b in budgets)

    def _new_key(self) -> str:
        issued = issue_key(
            kind="service",
            environment=self.organization.environment,
            name="faults",
            organization=self.organization,
            user=None,
            acting_user=None,
            expires_at=None,
            now=timezone.now(),
        )
        return issued.text


def bring_down(part: parts.Part, seconds: float) -> None:
    with part.fault:
        part.kill()
        time.sleep(seconds)
        part.start()


def cut_connections() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'tokenhouse-gateway'"
        )


def revoke(text: str) -> None:
    key = ApiKey.objects.get(last_four=text[-4:], revoked_at__isnull=True)
    with contextlib.suppress(KeyAlreadyRevoked):
        revoke_key(key=key, acting_user=None, now=timezone.now())


def survive(work: Callable[[], T]) -> T:
    """Do something as soon as Postgres lets us; all of it is safe to repeat."""
    ends = time.monotonic() + OUTAGE_MAX_S
    while True:
        try:
            return work()
        except (OperationalError, InterfaceError):
            connections.close_all()
            if time.monotonic() > ends:
                raise
            time.sleep(0.1)
