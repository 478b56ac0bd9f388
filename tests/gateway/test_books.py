"""The gateway's side of the books, without HTTP around it."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone

from billing.booking import Statement
from billing.booking_single import LOCK_BUDGET
from billing.booking_types import Hold, Settlement
from billing.limits import Refusal
from billing.models import BillingProfile, Budget
from billing.models import Hold as HoldRow
from core.periods import cycle_of
from gateway import database
from gateway.books import STATEMENTS, Books, BooksUnreachable
from gateway.pipeline import Pipeline
from orgs.models import Organization
from tests.billing.books import hold_of, settling


@pytest.fixture
def funded(committed_db: None, acme: Organization) -> Organization:
    BillingProfile.objects.create(organization=acme, legal_name="Acme")
    Budget.objects.create(organization=acme, cycle_start=cycle_of(timezone.now()))
    return acme


def held() -> tuple[int, int]:
    """Return what the budget holds and how many holds are open."""
    return Budget.objects.get().held_nanos, HoldRow.objects.count()


async def give_up_while_waiting(kept: Hold, given_up: Hold) -> None:
    """Give a hold up while the books wait for the budget's lock with another."""
    books = Books()
    await books.open()
    async with await database.connect() as other, other.transaction():
        await other.execute("SELECT 1 FROM billing_budget FOR UPDATE")
        first = asyncio.create_task(books.hold(kept))
        await asyncio.sleep(0.1)
        second = asyncio.create_task(books.hold(given_up))
        await asyncio.sleep(0)
        second.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await second
        books.release(given_up.as_release())
    assert await first is None
    await books.close(timeout_s=5)


def test_a_hold_given_up_before_it_was_made_is_not_left_behind(
    funded: Organization,
) -> None:
    kept, given_up = hold_of(funded, 7), hold_of(funded, 5)

    asyncio.run(give_up_while_waiting(kept, given_up))

    assert held() == (7, 1)
    assert HoldRow.objects.get().event_id == kept.event_id


def test_closing_the_books_books_what_waits(funded: Organization) -> None:
    hold = hold_of(funded, 7)

    async def hold_then_close() -> None:
        books = Books()
        await books.open()
        await books.hold(hold)
        books.release(hold.as_release())
        await books.close(timeout_s=5)

    asyncio.run(hold_then_close())

    assert held() == (0, 0)


async def hold_behind_a_frozen_gateway(hold: Hold) -> Refusal | None:
    """Hold while another gateway has locked the budget and says nothing more."""
    frozen = await Pipeline.connect(STATEMENTS)
    await frozen.query([Statement(LOCK_BUDGET, hold.key)])
    books = Books()
    await books.open()
    try:
        return await books.hold(hold)
    finally:
        await books.close(timeout_s=5)
        await frozen.close()


def test_a_gateway_that_freezes_while_it_books_is_not_waited_for_forever(
    funded: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "TRANSACTION_TIMEOUT_MS", 500)
    hold = hold_of(funded, 7)

    assert asyncio.run(hold_behind_a_frozen_gateway(hold)) is None

    assert held() == (7, 1)


def end_who_waits() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
    connection.close()


async def hold_on_a_connection_that_is_cut(hold: Hold) -> float:
    """Return how long a hold that waits for a lock takes to hear of the cut."""
    books = Books()
    await books.open()
    async with await database.connect() as other, other.transaction():
        await other.execute("SELECT 1 FROM billing_budget FOR UPDATE")
        waiting = asyncio.create_task(books.hold(hold))
        await asyncio.sleep(0.2)
        # The owner may; the gateway's role may not.
        await sync_to_async(end_who_waits)()
        began = time.monotonic()
        with pytest.raises(BooksUnreachable):
            await waiting
        took_s = time.monotonic() - began
    await books.close(timeout_s=5)
    return took_s


def test_whoever_waits_hears_at_once_that_the_connection_was_cut(
    funded: Organization,
) -> None:
    assert asyncio.run(hold_on_a_connection_that_is_cut(hold_of(funded, 7))) < 2

    assert held() == (0, 0)


async def book_after(unbookable: Settlement, hold: Hold) -> Refusal | None:
    """Hold after a settlement that no table can keep, while that is tried again."""
    books = Books()
    await books.open()
    await books.hold(unbookable.hold)
    await books.settle(unbookable)
    try:
        async with asyncio.timeout(20):
            return await books.hold(hold)
    finally:
        await books.close(timeout_s=1)


@pytest.mark.parametrize("cost_nanos", [10**300, 2**63, 2**62])
def test_what_cannot_be_booked_stands_in_nobodys_way(
    funded: Organization, cost_nanos: int
) -> None:
    first, other = hold_of(funded, 7), hold_of(funded, 9)

    assert asyncio.run(book_after(settling(first, cost_nanos), other)) is None

    assert HoldRow.objects.filter(event_id=other.event_id).exists()
