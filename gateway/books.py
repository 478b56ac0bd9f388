"""
The gateway's side of the books: batches of holds and settlements.

Natural batching: while one transaction is under way the next batch gathers, so that
a busy gateway shares each commit among its requests and a quiet one never waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections import deque
from dataclasses import dataclass, field

import psycopg

from billing import booking, booking_single, booking_sql
from billing.booking_types import Hold, Release, Settlement
from billing.limits import Refusal
from gateway import metrics
from gateway.pipeline import Pipeline, PipelineBroken, StatementFailed

logger = logging.getLogger(__name__)

STATEMENTS = (*booking_sql.OF_BOOKING, *booking_single.STATEMENTS)
BATCH_MAX = 256
# Requests that wait for a decision; beyond that the gateway is overloaded.
WAITING_MAX = 10_000
RECONNECT_PAUSE_S = 0.2
RETRY_PAUSE_S = 5.0
# An answer waits this long for its settlement when the database is away; the
# settlement itself is kept until it is booked.
SETTLE_WAIT_S = 2.0


class BooksUnreachable(Exception):
    """Postgres does not answer, so nothing may be spent."""


@dataclass(slots=True)
class Pending:
    """A booking that waits, and whoever waits for it."""

    item: Hold | Settlement | Release
    done: asyncio.Future[Refusal | None]
    since: float = field(default_factory=time.perf_counter)

    @property
    def is_given_up(self) -> bool:
        """Nobody waits for this hold any more: it must not be made."""
        return isinstance(self.item, Hold) and self.done.cancelled()


@dataclass(slots=True)
class Batch:
    """What one transaction books."""

    pending: list[Pending]
    items: list[Hold | Settlement | Release] = field(init=False)

    def __post_init__(self) -> None:
        self.items = [entry.item for entry in self.pending]

    def steps(self) -> booking.Steps:
        if len(self.items) == 1:
            return booking_single.book_one(self.items[0])
        return booking.book(
            holds=[item for item in self.items if isinstance(item, Hold)],
            settlements=[item for item in self.items if isinstance(item, Settlement)],
            releases=[item for item in self.items if isinstance(item, Release)],
        )


class Books:
    """The one writer of this process."""

    def __init__(self) -> None:
        self._queue: deque[Pending] = deque()
        self._wakeup = asyncio.Event()
        self._pipeline: Pipeline | None = None
        self._worker: asyncio.Task[None] | None = None
        self._is_reachable = False
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._later: set[asyncio.TimerHandle] = set()
        # Holds made here whose end is not committed yet.
        self._open: set[uuid.UUID] = set()

    async def open(self) -> None:
        """Connect (or go on trying) and begin to book."""
        await self._is_connected()
        # Asked for when somebody reads the metrics, not kept up with each booking.
        metrics.HOLDS_OPEN.set_function(lambda: len(self._open))
        metrics.BOOKINGS_WAITING.set_function(lambda: len(self._queue))
        metrics.BOOKS_REACHABLE.set_function(lambda: self._is_reachable)
        self._worker = asyncio.create_task(self._work())

    async def close(self, *, timeout_s: float) -> None:
        """Book what waits, for `timeout_s` at most, and disconnect."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._is_idle.wait()
        if self._worker is not None:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._worker
        if self._pipeline is not None:
            await self._pipeline.close()

    async def hold(self, hold: Hold) -> Refusal | None:
        """
        Hold a bound; None if it stands, committed.

        :raises BooksUnreachable: if that cannot be known. Then nothing may be sent,
            and a hold that was committed all the same is released.
        """
        if not self._is_reachable or len(self._queue) > WAITING_MAX:
            raise BooksUnreachable
        self._open.add(hold.event_id)
        return await self._put(hold)

    def knows(self, event_id: uuid.UUID) -> bool:
        """Say whether a hold is under way here: dispatched, or about to end."""
        return event_id in self._open

    def settle_soon(self, settlement: Settlement) -> asyncio.Future[Refusal | None]:
        """Book a settlement; what is returned is done once it is committed."""
        return self._put(settlement)

    async def settle(self, settlement: Settlement) -> None:
        """Book a settlement; returns when it is committed, or after a while anyway."""
        await self.committed(self._put(settlement))

    async def committed(self, done: asyncio.Future[Refusal | None]) -> None:
        """Wait for a settlement's commit, `SETTLE_WAIT_S` at most."""
        loop = asyncio.get_running_loop()
        patience = loop.call_later(SETTLE_WAIT_S, stop_waiting, done)
        try:
            await done
        finally:
            patience.cancel()

    def release(self, release: Release) -> None:
        """Give back a hold that was never dispatched, soon."""
        self._put(release)

    def _put(self, item: Hold | Settlement | Release) -> asyncio.Future[Refusal | None]:
        done: asyncio.Future[Refusal | None] = (
            asyncio.get_running_loop().create_future()
        )
        self._queue.append(Pending(item, done))
        self._is_idle.clear()
        self._wakeup.set()
        return done

    async def _work(self) -> None:
        while True:
            if not self._queue:
                self._is_idle.set()
                self._wakeup.clear()
                await self._wakeup.wait()
            if not await self._is_connected():
                self._refuse_waiting_holds()
                await asyncio.sleep(RECONNECT_PAUSE_S)
                continue
            await self._book(self._take_batch())

    def _take_batch(self) -> Batch:
        """
        Take the next batch off the queue, without holds that were given up.

        Their release may be in the same batch, where releases come first.
        """
        size = min(len(self._queue), BATCH_MAX)
        taken = [self._queue.popleft() for _ in range(size)]
        return Batch([pending for pending in taken if not pending.is_given_up])

    async def _is_connected(self) -> bool:
        if self._pipeline is not None and not self._pipeline.is_broken:
            return True
        try:
            self._pipeline = await Pipeline.connect(STATEMENTS)
        except (psycopg.OperationalError, PipelineBroken):
            self._is_reachable = False
            return False
        self._is_reachable = True
        logger.info("books_reachable")
        return True

    async def _book(self, batch: Batch) -> None:
        """Book a batch; on a broken connection keep what must not be lost."""
        assert self._pipeline is not None
        if not batch.items:
            return
        try:
            booked = await run(self._pipeline, batch.steps())
        except (PipelineBroken, StatementFailed) as error:
            await self._recover(batch, error)
            return
        except Exception as error:
            # The edge: whatever this is, those who come after it must be booked.
            logger.exception("booking_failed_oddly size=%d", len(batch.pending))
            await self._pipeline.close()
            if await self._is_connected():
                await self._recover(batch, StatementFailed(type(error).__name__))
            else:
                self._put_back(batch)
            return
        for event_id in booked.bound_violations:
            metrics.BOUND_VIOLATIONS.inc()
            logger.error("bound_violated event=%s", event_id)
        count(batch)
        for pending in batch.pending:
            refusal = booked.refusals.get(pending.item.event_id)
            if refusal is not None or not isinstance(pending.item, Hold):
                self._open.discard(pending.item.event_id)
            if not pending.done.done():
                pending.done.set_result(refusal)

    async def _recover(
        self, batch: Batch, error: PipelineBroken | StatementFailed
    ) -> None:
        """
        Deal with a batch that failed.

        If the connection broke, the commit may have happened: holds are refused and
        released (both are safe to repeat), settlements are booked again. Otherwise
        nothing was written: one by one, so that a bad booking harms only itself.
        """
        logger.warning("booking_failed error=%s size=%d", error, len(batch.pending))
        if isinstance(error, PipelineBroken):
            self._is_reachable = False
            self._put_back(batch)
            return
        if len(batch.pending) > 1:
            for pending in batch.pending:
                await self._book(Batch([pending]))
            return
        self._set_aside(batch.pending[0])

    def _put_back(self, batch: Batch) -> None:
        for pending in reversed(batch.pending):
            if isinstance(pending.item, Hold):
                refuse(pending)
                self.release(pending.item.as_release())
            else:
                self._queue.appendleft(pending)

    def _set_aside(self, pending: Pending) -> None:
        """Refuse a hold; try anything else again later: usage is never dropped."""
        if isinstance(pending.item, Hold):
            refuse(pending)
            self._open.discard(pending.item.event_id)
            return

        def again() -> None:
            self._later.discard(timer)
            self._queue.append(pending)
            self._is_idle.clear()
            self._wakeup.set()

        timer = asyncio.get_running_loop().call_later(RETRY_PAUSE_S, again)
        self._later.add(timer)

    def _refuse_waiting_holds(self) -> None:
        kept: deque[Pending] = deque()
        for pending in self._queue:
            if isinstance(pending.item, Hold):
                refuse(pending)
                self._open.discard(pending.item.event_id)
            else:
                kept.append(pending)
        self._queue = kept


def count(batch: Batch) -> None:
    """Count what a transaction booked, and how long it had waited."""
    now = time.perf_counter()
    metrics.BOOKING_BATCH.observe(len(batch.items))
    for pending in batch.pending:
        if isinstance(pending.item, Hold):
            metrics.HOLD_SECONDS.observe(now - pending.since)
        elif isinstance(pending.item, Settlement):
            metrics.SETTLE_SECONDS.observe(now - pending.since)
            item = pending.item
            metrics.requests_of(item.hold.endpoint, item.record.outcome).inc()


def stop_waiting(done: asyncio.Future[Refusal | None]) -> None:
    """Let whoever waits go on; the booking stays in the queue until it is made."""
    if not done.done():
        done.set_result(None)


def refuse(pending: Pending) -> None:
    """Tell whoever waits for a hold that it cannot be known to stand."""
    if not pending.done.done():
        pending.done.set_exception(BooksUnreachable())


async def run(pipeline: Pipeline, steps: booking.Steps) -> booking.Booked:
    """
    Drive a booking through its transaction, each step in one round trip.

    :raises StatementFailed: rolled back. :raises PipelineBroken: perhaps committed.
    """
    step = next(steps)
    try:
        while True:
            run_step = pipeline.commit if step.commits else pipeline.query
            step = steps.send(await run_step(step.statements))
    except StatementFailed:
        await pipeline.roll_back()
        raise
    except StopIteration as stop:
        booked: booking.Booked = stop.value
        return booked
