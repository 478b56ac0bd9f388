"""
The books: hold, settle, release. The only writer of `Budget` and `Hold` rows.

A batch of bookings is one transaction. `book` is the transaction without its
connection: a generator that yields steps (statements) and is sent their rows, so
that the gateway (asynchronous, pipelined) and Celery (synchronous) run the very same
steps. `billing/README.md` states the invariants.

Every transaction locks the budget rows it needs first, in the order of their ids.
Whoever holds a budget row's lock is alone with the holds of that budget.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Generator, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from billing import booking_sql as sql
from billing.booking_state import Account, Books, OpenHold, ScopeLimit, Terms
from billing.booking_types import BudgetKey, Hold, Record, Release, Settlement
from billing.credit import Grant, consume, in_order
from billing.limits import Refusal, decide

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement of a booking, with its parameters."""

    text: str
    parameters: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """Statements for one round trip; the step that commits ends its transaction."""

    statements: list[Statement]
    commits: bool = False


Steps = Generator[Step, list[Rows], "Booked"]


@dataclass(slots=True)
class Booked:
    """What became of a batch. Holds that are not refused stand."""

    refusals: dict[uuid.UUID, Refusal] = field(default_factory=dict)
    # Settlements that found their hold swept before: their difference was booked.
    corrected: int = 0
    # Requests that cost more than their bound: charged in full, and a fault of ours.
    bound_violations: list[uuid.UUID] = field(default_factory=list)


def book(
    *,
    holds: Iterable[Hold] = (),
    settlements: Iterable[Settlement] = (),
    releases: Iterable[Release] = (),
) -> Steps:
    """
    Book a batch: settlements and releases first (they free headroom), then holds.

    Holds are decided one by one in the order given, each against all that came
    before it. Repeating a settlement or a release changes nothing.
    """
    holds, settlements, releases = list(holds), list(settlements), list(releases)
    books = yield from open_books(holds, settlements, releases)
    booked = Booked()
    for release in releases:
        end_hold(release.event_id, release.key, books)
    for settlement in settlements:
        settle(settlement, books, booked)
    for hold in holds:
        place(hold, books, booked)
    yield Step(writes(books), commits=True)
    return booked


def open_books(
    holds: list[Hold], settlements: list[Settlement], releases: list[Release]
) -> Generator[Step, list[Rows], Books]:
    """Lock the budget rows (made if missing) and read what the decisions need."""
    keys = sorted(
        {hold.key for hold in holds}
        | {settlement.hold.key for settlement in settlements}
        | {release.key for release in releases}
    )
    organizations = [key[0] for key in keys]
    cycles = [key[1] for key in keys]
    ending = [s.hold.event_id for s in settlements] + [r.event_id for r in releases]
    deciding = sorted({hold.organization_id for hold in holds})
    scopes = sorted({scope for hold in holds for scope in hold.scope_keys})
    statements = [
        Statement(sql.LOCK_BUDGETS, (organizations, cycles)),
        Statement(sql.LOCK_GRANTS, (organizations,)),
        *([Statement(sql.OPEN_HOLDS, (ending,))] if ending else []),
        *([Statement(sql.SCOPE_LIMITS, columns(scopes))] if deciding else []),
        *([Statement(sql.TERMS, (deciding,))] if deciding else []),
    ]
    rows = yield Step(statements)
    if len(rows[0]) < len(keys):
        make = Statement(sql.MAKE_BUDGETS, (organizations, cycles))
        rows = yield Step([make, *statements])
        rows = rows[1:]
    accounts = {
        (organization, cycle): Account(budget_id, spent, held)
        for budget_id, organization, cycle, spent, held in rows[0]
    }
    assert len(accounts) == len(keys), "each budget row is made before it is locked"
    open_holds = {row[0]: OpenHold(*row[1:]) for row in rows[2]} if ending else {}
    terms = read_terms(organizations, rows[-1] if deciding else [], rows[1])
    books = Books(accounts, terms, open_holds)
    if deciding:
        books.scope_limits = {row[:4]: ScopeLimit(*row[4:]) for row in rows[-2]}
    late = [s for s in settlements if s.hold.event_id not in open_holds]
    if late:
        ids = [s.hold.event_id for s in late]
        ids += [correction_id(event_id) for event_id in ids]
        rows = yield Step([Statement(sql.PAST_RECORDS, (ids,))])
        books.past_records = {row[0]: (row[1], row[2]) for row in rows[0]}
    return books


def read_terms(
    organizations: list[int], terms_rows: Rows, grant_rows: Rows
) -> dict[int, Terms]:
    """Return each organization's terms; limits only where holds are decided."""
    terms = {organization: Terms() for organization in organizations}
    for organization, hard, approved, credit_binds, held in terms_rows:
        terms[organization] = Terms(hard, approved, credit_binds, int(held))
    for grant_id, organization, *facts in grant_rows:
        terms[organization].grants.append(Grant(grant_id, *facts))
    for each in terms.values():
        each.grants = in_order(each.grants)
    return terms


def correction_id(event_id: uuid.UUID) -> uuid.UUID:
    """
    Return the event id of a record's correction: always the same one.

    It carries the same instant, so a correction lies beside what it corrects, and
    a second correction of the same record is impossible.
    """
    return uuid.UUID(int=event_id.int ^ 1)


def end_hold(event_id: uuid.UUID, key: BudgetKey, books: Books) -> OpenHold | None:
    """Take a hold off its budget and return it; None if it is not open."""
    hold = books.open_holds.pop(event_id, None)
    if hold is not None:
        books.end_hold(hold, key)
        books.ended_holds.append(event_id)
    return hold


def settle(settlement: Settlement, books: Books, booked: Booked) -> None:
    """
    Turn a hold into a record and a charge.

    Without a hold: nothing if it is settled already; the difference if the sweep
    charged the bound meanwhile; a plain record if there is no trace of it (usage is
    never lost). The sweep charges what is held and nothing else.
    """
    hold, record = settlement.hold, settlement.record
    ended = end_hold(hold.event_id, hold.key, books)
    if ended is None:
        if settlement.only_if_held:
            return
        kind, past_cost = books.past_records.get(hold.event_id, (None, 0))
        if settlement.only_if_estimated and kind != "estimated":
            return
        corrected_id = correction_id(hold.event_id)
        if kind in ("actual", record.kind) or corrected_id in books.past_records:
            return
        if kind == "estimated":
            record = record.as_correction(corrected_id, hold.event_id, past_cost)
            booked.corrected += 1
    books.past_records[record.event_id] = (record.kind, record.cost_nanos)
    books.charge(hold.key, hold.scope_keys, record.cost_nanos)
    if settlement.exceeds_bound:
        booked.bound_violations.append(hold.event_id)
    credit = paid_by_credit(record, ended.created_at if ended else None, books)
    books.new_records.append(record.as_row(credit_nanos=credit))


def paid_by_credit(record: Record, held_at: datetime | None, books: Books) -> int:
    """
    Consume credit for a record and return how much of its cost that paid.

    `held_at` is when its money was set aside; None if its hold is gone. What the
    sandbox pretends to cost takes nothing from real credit.
    """
    if record.hold.simulated:
        return 0
    cost = max(record.cost_nanos, 0)
    grants = books.terms[record.hold.organization_id].grants
    held_at = held_at or record.hold.occurred_at
    return cost - consume(grants, cost, held_at=held_at)


def place(hold: Hold, books: Books, booked: Booked) -> None:
    """Hold the bound if it fits, else note the refusal."""
    account = books.accounts[hold.key]
    refusal = decide(books.funding(hold), hold.bound_nanos)
    if refusal is not None:
        booked.refusals[hold.event_id] = refusal
        if refusal.is_all_but_spent:
            books.note_exhausted(hold, refusal)
        return
    books.change_held(hold.key, hold.scope_keys, hold.bound_nanos or 0)
    books.new_holds.append(hold.as_row(budget_id=account.budget_id))


def writes(books: Books) -> list[Statement]:
    """Return the statements that write the changes; none if nothing changed."""
    statements = []
    changed = [a for a in books.accounts.values() if a.held_change or a.spent_change]
    if changed:
        ids = [account.budget_id for account in changed]
        spent = [account.spent_change for account in changed]
        held = [account.held_change for account in changed]
        statements.append(Statement(sql.CHANGE_BUDGETS, (ids, spent, held)))
    statements += scope_writes(books)
    if books.new_holds:
        statements.append(Statement(sql.ADD_HOLDS, (sql.as_json(books.new_holds),)))
    if books.ended_holds:
        statements.append(Statement(sql.END_HOLDS, (books.ended_holds,)))
    if books.new_records:
        records = sql.as_json(books.new_records)
        statements.append(Statement(sql.ADD_RECORDS, (records,)))
    used = [g for t in books.terms.values() for g in t.grants if g.consumed_nanos]
    if used:
        ids = [grant.grant_id for grant in used]
        consumed = [grant.consumed_nanos for grant in used]
        statements.append(Statement(sql.CONSUME_GRANTS, (ids, consumed)))
    if books.exhausted:
        statements.append(Statement(sql.NOTE_REFUSALS, columns(books.exhausted)))
    if books.exhausted_scopes:
        rows = [(*key, spent) for key, spent in books.exhausted_scopes.items()]
        statements.append(Statement(sql.NOTE_SCOPE_REFUSALS, columns(rows)))
    return statements


def scope_writes(books: Books) -> list[Statement]:
    """Return the statements that change what keys and members spent and hold."""
    changes = [
        (*key, change.spent_nanos, change.held_nanos)
        for key, change in books.scope_changes.items()
        if change.spent_nanos or change.held_nanos
    ]
    if not changes:
        return []
    parameters = columns(changes)
    return [
        Statement(sql.MAKE_SCOPE_BUDGETS, parameters[:4]),
        Statement(sql.CHANGE_SCOPE_BUDGETS, parameters),
    ]


def columns(rows: Collection[tuple[Any, ...]]) -> tuple[list[Any], ...]:
    """Return the columns of rows, each as an array for `unnest`."""
    return tuple(map(list, zip(*rows, strict=True)))


def run(steps: Steps, execute: Callable[[Statement], Rows]) -> Booked:
    """Drive a booking over a synchronous connection, inside its transaction."""
    try:
        step = next(steps)
        while True:
            step = steps.send([execute(statement) for statement in step.statements])
    except StopIteration as stop:
        booked: Booked = stop.value
        return booked
