"""One run: the schedule against the house, the worker's work, and the verdict."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import InterfaceError, OperationalError, connections
from django.utils import timezone

from billing.actions.sweep import charge_orphaned_holds
from tests.faults import oracle, parts
from tests.faults.house import House, survive
from tests.faults.schedule import WEIGHTS, Fault
from usage.actions import roll_up
from usage.models import UsageRecord

# Shorter than a pause lasts. Gateways beat once a second.
DEAD_AFTER_S = 3.0
TURN_S = 1.0
# A commit that came late is found after half a minute.
REST_DEADLINE_S = 90.0
# What waits to be booked again waits five seconds.
REST_S = 6.0
FAULTS_AT_ONCE = 8
SHOWN_MAX = 20


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Worker:
    """Sweeps and rolls up every second, and watches that no usage gets lost."""

    def __init__(self, house: House) -> None:
        self.seen: list[str] = []
        self._house = house
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work_on)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()

    def _work_on(self) -> None:
        while not self._is_over.wait(TURN_S):
            try:
                self._turn()
            except (OperationalError, InterfaceError):
                # An outage is made up for by the next turn.
                connections.close_all()
        connections.close_all()

    def _turn(self) -> None:
        parts.have_served(self._house.leases)
        self.seen.extend(oracle.differences_any_time(self._house))
        while charge_orphaned_holds(dead_after_s=DEAD_AFTER_S):
            pass
        roll_up(now=timezone.now())


def run(house: House, faults: list[Fault], *, seconds: float) -> list[str]:
    """Run a schedule to its end, wait for rest, and say what is wrong."""
    worker = Worker(house)
    with house.open():
        worker.start()
        house.clients.start()
        try:
            suffer_all(house, faults, seconds=seconds)
        finally:
            house.clients.stop()
            is_rested = survive(wait_for_rest)
            worker.stop()
    tell(house)
    wrong = [*worker.seen, *oracle.differences_at_rest(house)]
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


def tell(house: House) -> None:
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
    say(f"  billed:  {house.truth.cost_nanos()} of at most {house.ceiling_nanos} nanos")
