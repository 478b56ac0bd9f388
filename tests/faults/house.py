"""A whole house of real processes, and what the schedule does to it."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from billing.actions.price_seeding import seed_prices
from billing.models import BillingProfile
from config.servers.lease import Lease
from core.periods import cycle_interval, cycle_of
from keys.actions import KeyAlreadyRevoked, revoke_key, store_provider_key
from keys.models import ApiKey
from orgs.models import Organization
from tests.factories import make_organization
from tests.faults import parts
from tests.faults.clients import Clients, KeyRing, name_of
from tests.faults.disk import SmallDisk
from tests.faults.limits import MovingLimit, survive
from tests.faults.network import Network, Proxy, Weather
from tests.faults.points import POINTS
from tests.faults.schedule import GATEWAYS, Fault
from tests.faults.shifted import set_clock
from tests.faults.spenders import new_key, spenders_of
from tests.faults.truth import Truth
from usage.partitions import ensure_coming_partitions

Running = parts.Part | parts.Child

CLIENTS = 16
DATABASE = "postgres://tokenhouse@127.0.0.1:{port}/tokenhouse"
TRAP_WAIT_S = 5.0
HEARD_WAIT_S = 60.0
WEATHERS = {
    "latency": Weather(latency_s=0.1),
    "drip": Weather(drip_s=0.003),
    "black hole": Weather(is_black_hole=True),
    "cut short": Weather(breaks_after=700),
}
# How many more requests a raised limit has room for.
ROOM = (5, 60)
SCOPE_ROOM = (2, 15)


class House:
    """Acme with two gateways, a provider, and clients who spend to the limit."""

    def __init__(
        self,
        folder: Path,
        leases: list[Lease],
        network: Network,
        disk: SmallDisk,
        *,
        application: str,
        seed: int,
    ) -> None:
        self.folder = folder
        self.leases = leases
        self.disk = disk
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
        self.worker, self.beat = parts.worker(folder), parts.beat(folder)
        self.organization = self._furnish()
        self.truth = Truth(truth)
        self.cycle = cycle_of(timezone.now())
        self.limit = MovingLimit(self.organization, self.cycle)
        spenders = spenders_of(self.organization)
        # By the name of who spends.
        self.scope_limits = {
            spender.name: MovingLimit(self.organization, self.cycle, spender.subject)
            for spender in spenders
            if spender.subject is not None
        }
        limited = [(key, spender.name) for spender in spenders for key in spender.keys]
        self.keys = KeyRing(self.organization.public_id, self._new_key(), limited)
        urls = [gateway.url for gateway in self.gateways]
        self.clients = Clients(urls, self.keys, count=CLIENTS, seed=seed)
        # What happened, and what of each kind: for the table of the run.
        self.drawn: Counter[str] = Counter()
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
        celery = self.worker, self.beat
        everything: list[Running] = [self.provider, *self.gateways, *celery]
        try:
            for part in everything:
                part.start()
            self.raise_limit(0.5)
            for limit in self.scope_limits.values():
                limit.raise_by(self._room_nanos(SCOPE_ROOM, 0.5))
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

    def _fill_disk(self, fault: Fault) -> str:
        """Have Postgres find no room for rows, or for its log: then it dies."""
        what = fault.pick(["of rows", "of its log"])
        heard_before = self.clients.count(fault.until)
        with self.disk.full():
            if what == "of its log":
                with contextlib.suppress(OperationalError, InterfaceError):
                    end_wal_segment()
            time.sleep(fault.lasts_s)
            if fault.until:
                self._wait_to_hear(fault.until, more_than=heard_before)
        return what

    def _wait_to_hear(self, word: str, *, more_than: int) -> None:
        """Return once clients heard a word once more, or long after they should."""
        ends = time.monotonic() + HEARD_WAIT_S
        while self.clients.count(word) <= more_than and time.monotonic() < ends:
            time.sleep(0.1)

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

    def _kill_valkey(self, fault: Fault) -> str:
        how = fault.pick(["with its log", "empty"])
        if how == "empty":
            parts.forget_valkey(settings.DATA_DIR)
        parts.kill_valkey(settings.REDIS_URL)
        return how

    def _silence_valkey(self, fault: Fault) -> None:
        with parts.silent_valkey(settings.REDIS_URL):
            time.sleep(fault.lasts_s)

    def _kill_worker(self, fault: Fault) -> str:
        how = fault.pick(["whole", "one of its processes"])
        if how == "whole":
            bring_down(self.worker, fault.lasts_s)
        else:
            self.worker.kill_child()
        return how

    def _kill_beat(self, fault: Fault) -> None:
        bring_down(self.beat, fault.lasts_s)

    def _raise_limit(self, fault: Fault) -> None:
        with self._one_at_a_time:
            self.raise_limit(fault.share)

    def _lower_limit(self, fault: Fault) -> None:
        with self._one_at_a_time:
            self.limit.lower(fault.share)

    def _raise_scope_limit(self, fault: Fault) -> str:
        name = fault.pick(list(self.scope_limits))
        with self._one_at_a_time:
            self.scope_limits[name].raise_by(self._room_nanos(SCOPE_ROOM, fault.rest))
        return name

    def _lower_scope_limit(self, fault: Fault) -> str:
        name = fault.pick(list(self.scope_limits))
        with self._one_at_a_time:
            self.scope_limits[name].lower(fault.rest)
        return name

    def _change_key(self, fault: Fault) -> None:
        with self._one_at_a_time:
            old, self.keys.good = self.keys.good, survive(self._new_key)
            survive(lambda: revoke(old))
            self.keys.revoked.append((time.monotonic(), old))

    def raise_limit(self, share: float) -> None:
        """Make room for some more requests."""
        self.limit.raise_by(self._room_nanos(ROOM, share))

    def _room_nanos(self, room: tuple[int, int], share: float) -> int:
        least, most = room
        return int((least + share * (most - least)) * self.truth.typical_nanos())

    def _new_key(self) -> str:
        return new_key(self.organization)[0]


def bring_down(part: Running, seconds: float) -> None:
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


def end_wal_segment() -> None:
    """Have Postgres begin a new file of its log, for which it needs room."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_switch_wal()")
        cursor.execute(
            "SELECT pg_logical_emit_message(true, 'faults', repeat('x', 9000))"
        )


def revoke(text: str) -> None:
    key = ApiKey.objects.get(last_four=text[-4:], revoked_at__isnull=True)
    with contextlib.suppress(KeyAlreadyRevoked):
        revoke_key(key=key, acting_user=None, now=timezone.now())
