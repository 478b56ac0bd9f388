"""Compare the books with the truth: at any time, and at rest."""

from __future__ import annotations

import io
import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date

from django.core.management import call_command
from django.db.models import Max, Sum

from billing.models import Budget, Hold
from tests.faults.clients import Clients, Heard
from tests.faults.house import House
from tests.faults.limits import MovingLimit
from tests.faults.truth import Bill
from usage.models import RollupWatermark, UsageHour, UsageRecord

# What these say was never sent.
REFUSED = (401, 403, 429, 503)
# But where the provider said it.
THEIR_CODES = ("their_own",)
EVERYBODY = "the organization"
UNLIMITED = (math.inf, math.inf)
# How Celery logs a task that failed, and why one may: its process was killed.
FAILED = "raised unexpected"
KILLED = "WorkerLostError"


def differences_any_time(house: House) -> Iterator[str]:
    """Say what must never be, whatever has just been killed."""
    # In this order: what the provider knows first must be in what is read later.
    bills = house.truth.bills()
    truth = sum(bill.cost_nanos for bill in bills)
    limits = {name: allowed_by(limit) for name, limit in limits_of(house).items()}
    # Holds before records: a hold that ends meanwhile is a record by then.
    cycles = dict(Hold.objects.values_list("bound_nanos", "cycle_start"))
    cycles |= dict(UsageRecord.objects.values_list("held_nanos", "cycle_start"))
    billed: Counter[tuple[str, date]] = Counter()
    for bill in bills:
        if bill.bound_nanos not in cycles:
            yield f"LOST: request {bill.number} has neither hold nor record"
        cycle = cycles.get(bill.bound_nanos, house.cycle)
        for name in {EVERYBODY, house.clients.asked_by.get(bill.number, EVERYBODY)}:
            billed[name, cycle] += bill.cost_nanos
    for (name, cycle), nanos in billed.items():
        here, elsewhere = limits.get(name, UNLIMITED)
        most = here if cycle == house.cycle else elsewhere
        if nanos > most:
            yield f"OVERSHOOT of {name} in {cycle}: {nanos} billed, {most} allowed"
    budgets = Budget.objects.aggregate(n=Sum("spent_nanos") + Sum("held_nanos"))
    used = budgets["n"] or 0
    if truth > used:
        yield f"LOST: the provider bills {truth}, spent and held are {used}"


def limits_of(house: House) -> dict[str, MovingLimit]:
    return {EVERYBODY: house.limit, **house.scope_limits}


def allowed_by(limit: MovingLimit) -> tuple[float, float]:
    """Return the most that may be spent by now, in this cycle and in another."""
    return limit.ceiling_nanos, limit.ceiling_elsewhere_nanos


def is_at_rest() -> bool:
    """Say whether nothing is held and all records are rolled up."""
    last = UsageRecord.objects.aggregate(n=Max("sequence"))["n"] or 0
    return not Hold.objects.exists() and RollupWatermark.objects.get().sequence == last


def differences_at_rest(house: House) -> Iterator[str]:
    """Say what does not add up once everything is up and swept."""
    yield from differences_any_time(house)
    if holds := Hold.objects.count():
        yield f"{holds} holds are left"
    bills = house.truth.bills()
    if not bills:
        yield "nothing reached the provider: this run proves nothing"
    yield from unequal_to_bills(bills, house.clients)
    yield from refused_but_sent(bills, house.clients)
    yield from unequal_rollups()
    yield from unexpected_errors(house)
    yield from broken_invariants()


def unequal_to_bills(bills: list[Bill], clients: Clients) -> Iterator[str]:
    """Match each bill with its records, by a bound that no other request has."""
    records = records_by_bound()
    counts = Counter(bill.bound_nanos for bill in bills)
    for bill in bills:
        name = f"request {bill.number}"
        if counts[bill.bound_nanos] > 1:
            yield f"{name} arrived {counts[bill.bound_nanos]} times"
        found = records.pop(bill.bound_nanos, [])
        yield from (f"{name}: {text}" for text in unequal(bill, found))
        heard = clients.heard.get(bill.number)
        if heard and found and not is_told_of(found, heard):
            yield f"{name} was answered as {heard.request_id}, recorded otherwise"
    for bound, found in records.items():
        if len(found) == 1 and found[0].kind == "actual":
            yield f"record {found[0].event_id} of {bound}: nothing like it arrived"


def records_by_bound() -> dict[int, list[UsageRecord]]:
    records = defaultdict(list)
    for record in UsageRecord.objects.order_by("sequence"):
        records[record.held_nanos].append(record)
    return records


def unequal(bill: Bill, records: list[UsageRecord]) -> Iterator[str]:
    kinds = [record.kind for record in records]
    cost = sum(record.cost_nanos for record in records)
    if kinds not in (["actual"], ["estimated"], ["estimated", "correction"]):
        yield f"records are {kinds}"
    elif cost < bill.cost_nanos:
        yield f"UNDERCHARGED: cost {cost}, billed {bill.cost_nanos} ({kinds})"
    elif kinds == ["actual"] and not bill.is_told:
        yield f"{bill.fault} was taken for told"
    elif bill.is_told and kinds != ["estimated"] and cost != bill.cost_nanos:
        yield f"cost {cost}, billed {bill.cost_nanos} ({kinds}, {bill.fault})"
    elif not bill.is_told and cost != bill.bound_nanos:
        yield f"cost {cost}, its bound is {bill.bound_nanos} ({kinds}, {bill.fault})"


def is_told_of(records: list[UsageRecord], heard: Heard) -> bool:
    told = f"req_{records[0].event_id.hex}"
    return not heard.request_id or heard.request_id == told


def refused_but_sent(bills: list[Bill], clients: Clients) -> Iterator[str]:
    """Say who was refused although it was sent, and who should have been."""
    billed = {bill.number for bill in bills}
    for number, heard in clients.heard.items():
        is_ours = heard.word not in THEIR_CODES
        if heard.status in REFUSED and is_ours and number in billed:
            yield f"request {number} was refused ({heard.word}) and sent"
        if heard.key_was_revoked:
            yield f"request {number} was answered with a key revoked before"
        if heard.word == "answered" and number not in billed:
            yield f"request {number} was answered and never arrived"


def unequal_rollups() -> Iterator[str]:
    hours = UsageHour.objects.aggregate(n=Sum("cost_nanos"))["n"]
    records = UsageRecord.objects.aggregate(n=Sum("cost_nanos"))["n"]
    if hours != records:
        yield f"rollups cost {hours}, records {records}"


def unexpected_errors(house: House) -> Iterator[str]:
    """Say which gateway or task met an error that it did not expect."""
    for log in sorted(house.folder.glob("gateway-*.log")):
        if errors := log.read_text().count("Traceback"):
            yield f"{errors} tracebacks in {log.name}"
    for log in sorted(house.folder.glob("worker-*.log")):
        for line in log.read_text().splitlines():
            if FAILED in line and KILLED not in line:
                yield f"{log.name}: {line}"


def broken_invariants() -> Iterator[str]:
    output = io.StringIO()
    try:
        call_command("verify_ledger", stdout=output)
    except SystemExit:
        yield "verify_ledger: " + output.getvalue()
