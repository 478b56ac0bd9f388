"""One run: the schedule against the house, and the verdict."""

from __future__ import annotations

import contextlib
import http.client
import sys
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor

import redis
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, connections

from tests import rig
from tests.faults import oracle, parts
from tests.faults.house import House
from tests.faults.limits import survive
from tests.faults.schedule import WEIGHTS, Fault
from usage.models import UsageRecord

TURN_S = 1.0
# A commit that came late is found after half a minute.
REST_DEADLINE_S = 90.0
# What waits to be booked again waits five seconds.
REST_S = 6.0
FAULTS_AT_ONCE = 8
SHOWN_MAX = 20
RATE_CHECKS = "tokenhouse_rate_checks_total "


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Watcher:
    """Looks every second that no usage got lost and no limit was passed."""

    def __init__(self, house: House) -> None:
        self.seen: list[str] = []
        self._house = house
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch_on)
        # By gateway and start: what a process counted dies with it.
        self._checks: dict[tuple[str, int], Counter[str]] = {}

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()

    def rate_checks(self) -> Counter[str]:
        """Return how often gateways counted in Redis, and how often alone."""
        return sum(self._checks.values(), Counter[str]())

    def _watch_on(self) -> None:
        while not self._is_over.wait(TURN_S):
            try:
                self._supervise()
                self.seen.extend(oracle.differences_any_time(self._house))
            except (OperationalError, InterfaceError):
                # An outage is made up for by the next turn.
                connections.close_all()
            for gateway in self._house.gateways:
                self._note_checks(gateway)
        connections.close_all()

    def _supervise(self) -> None:
        """Start again what ended by itself, as an installation's supervisor does."""
        parts.have_served(self._house.leases)
        for child in (self._house.worker, self._house.beat):
            if child.revive():
                self._house.drawn[f"({child.name} ended by itself)"] += 1

    def _note_checks(self, gateway: parts.Part) -> None:
        start = gateway.url, gateway.starts
        # It is down, or stopped.
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            counted = rig.metrics_of(gateway, timeout_s=1)
            self._checks[start] = Counter(
                {
                    name.removeprefix(RATE_CHECKS): int(value)
                    for name, value in counted.items()
                    if name.startswith(RATE_CHECKS)
                }
            )


def run(house: House, faults: list[Fault], *, seconds: float) -> list[str]:
    """Run a schedule to its end, wait for rest, and say what is wrong."""
    watcher = Watcher(house)
    with house.open():
        watcher.start()
        house.clients.start()
        try:
            suffer_all(house, faults, seconds=seconds)
        finally:
            house.clients.stop()
            if not (is_rested := survive(wait_for_rest)):
                survive(tell_unrest)
            watcher.stop()
    tell(house, watcher)
    wrong = [*watcher.seen, *oracle.differences_at_rest(house)]
    return wrong if is_rested else ["it never came to rest", *wrong]


def suffer_all(house: House, faults: list[Fault], *, seconds: float) -> None:
    """Let the faults happen when they are due; return when each has ended."""
    began = time.monotonic()
    with ThreadPoolExecutor(FAULTS_AT_ONCE) as threads:
        under_way: list[Future[None]] = []
        for fault in faults:
            time.sleep(max(0.0, began + fault.at_s - time.monotonic()))
            say(f"  {fault}")
            under_way.append(threads.submit(suffer_one, house, fault))
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        for fault_under_way in under_way:
            fault_under_way.result()


def suffer_one(house: House, fault: Fault) -> None:
    try:
        house.suffer(fault)
    finally:
        connections.close_all()


def wait_for_rest() -> bool:
    """Return once nothing is held for a while; False if that never comes."""
    ends = time.monotonic() + REST_DEADLINE_S
    since: float | None = None
    while time.monotonic() < ends:
        if not oracle.is_at_rest():
            since = None
        elif since is None:
            since = time.monotonic()
        elif time.monotonic() - since > REST_S:
            return True
        time.sleep(0.2)
    return False


def tell_unrest() -> None:
    """Say what Postgres and the queue are at, for whoever looks for the reason."""
    with contextlib.closing(redis.Redis.from_url(settings.REDIS_URL)) as client:
        say(f"  waiting in the queue: {client.llen('celery')}")
        for link in client.client_list():
            say(f"  redis: {link['name']} {link['cmd']} idle for {link['idle']} s")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, state, wait_event, now() - xact_start, left(query, 80) "
            "FROM pg_stat_activity WHERE backend_type = 'client backend'"
        )
        for row in cursor.fetchall():
            say(f"  postgres: {row}")


def tell(house: House, watcher: Watcher) -> None:
    """Say what happened, so that nobody takes a run without faults for a proof."""
    words = Counter(heard.word for heard in house.clients.heard.values())
    kinds = Counter(UsageRecord.objects.values_list("kind", flat=True))
    say(f"  heard:   {dict(words.most_common())}")
    say(f"  records: {dict(kinds.most_common())}")
    say(f"  faults:  {dict(sorted(house.drawn.items()))}")
    misbehaved = Counter(bill.fault or "none" for bill in house.truth.bills())
    say(f"  provider misbehaved: {dict(sorted(misbehaved.items()))}")
    missing = sorted(WEIGHTS.keys() - {name.split()[0] for name in house.drawn})
    say(f"  not drawn in this run: {', '.join(missing) or 'nothing'}")
    say(f"  rate limits counted in: {dict(watcher.rate_checks())}")
    for name, limit in oracle.limits_of(house).items():
        used = survive(limit.used_nanos)
        say(f"  {name} spent {used} of at most {limit.ceiling_nanos} nanos")
