"""
Whatever happens, in whatever order and company: the books add up.

Random batches of holds, settlements, releases, sweeps and changes of the limit, each
checked against a ledger that a reader can check by eye.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.booking_types import Hold
from orgs.models import Environment, Organization
from tests import factories
from tests.billing.books import (
    Item,
    amounts,
    book,
    hold_of,
    limit,
    open_holds,
    records,
    settling,
    sweeping,
)

pytestmark = pytest.mark.django_db

names = count(1)


@dataclass
class Request:
    """A hold that was admitted, and all that can become of it."""

    hold: Hold
    # What the provider will charge; None: it was never sent, and will be released.
    cost_nanos: int | None
    is_open: bool = True
    charged_nanos: int = 0

    @property
    def bound_nanos(self) -> int:
        assert self.hold.bound_nanos is not None
        return self.hold.bound_nanos


@dataclass
class Ledger:
    """What ought to stand in the books."""

    organization: Organization
    limit_nanos: int | None = None
    requests: list[Request] = field(default_factory=list)

    @property
    def held(self) -> int:
        return sum(r.bound_nanos for r in self.requests if r.is_open)

    @property
    def spent(self) -> int:
        return sum(r.charged_nanos for r in self.requests)

    def end(self, request: Request) -> Item:
        """Have the gateway settle or release it, perhaps once more."""
        if request.cost_nanos is not None:
            request.charged_nanos = request.cost_nanos
            request.is_open = False
            return settling(request.hold, request.cost_nanos)
        request.is_open = False
        return request.hold.as_release()

    def sweep(self, request: Request) -> Item:
        """Have the sweep charge it: it changes open holds alone."""
        if request.is_open:
            request.charged_nanos = request.bound_nanos
            request.is_open = False
        return sweeping(request.hold)

    def admits(self, request: Request) -> bool:
        used = self.spent + self.held + request.bound_nanos
        return self.limit_nanos is None or used <= self.limit_nanos


@dataclass(frozen=True)
class Batch:
    """Bookings of one transaction; positions count requests made so far."""

    ends: list[int]
    sweeps: list[int]
    # Bounds, and the percentage of it that is charged (None: never sent).
    holds: list[tuple[int, int | None]]


# Coarse, so that a bound often fits a limit exactly, or misses it by one.
tens = st.integers(1, 10).map(lambda tenth: 10 * tenth)
bounds = st.builds(lambda ten, more: ten + more, tens, st.integers(-1, 1))
positions = st.lists(st.integers(0, 8), max_size=3)
new_holds = st.tuples(bounds, st.sampled_from([None, 0, 50, 100]))
batches = st.builds(
    Batch, ends=positions, sweeps=positions, holds=st.lists(new_holds, max_size=4)
)
limits = st.none() | tens.map(lambda nanos: 3 * nanos)


def carry_out(batch: Batch, ledger: Ledger) -> None:
    """Book a batch and foresee what becomes of it."""
    known = ledger.requests
    pick = [known[i % len(known)] for i in batch.ends] if known else []
    # Releases are booked before settlements, whatever the order given.
    pick.sort(key=lambda request: request.cost_nanos is not None)
    items = [ledger.end(request) for request in pick]
    items += [ledger.sweep(known[i % len(known)]) for i in batch.sweeps if known]
    asked = [request_of(ledger, *new) for new in batch.holds]
    foreseen = []
    for request in asked:
        if ledger.admits(request):
            ledger.requests.append(request)
        else:
            foreseen.append(request.hold.event_id)
    refusals = book(*items, *(request.hold for request in asked)).refusals
    assert list(refusals) == foreseen
    if len(foreseen) < len(asked) and ledger.limit_nanos is not None:
        assert sum(amounts(ledger.organization)) <= ledger.limit_nanos


def request_of(ledger: Ledger, bound_nanos: int, percent: int | None) -> Request:
    cost = None if percent is None else bound_nanos * percent // 100
    return Request(hold_of(ledger.organization, bound_nanos), cost)


def assert_books_are(ledger: Ledger) -> None:
    organization = ledger.organization
    written = records(organization)
    assert amounts(organization) == (ledger.spent, ledger.held)
    assert sum(record.cost_nanos for record in written) == ledger.spent
    open_requests = [r for r in ledger.requests if r.is_open]
    assert open_holds(organization) == {r.hold.event_id for r in open_requests}
    for request in ledger.requests:
        event_id = request.hold.event_id
        costs = [r.cost_nanos for r in written if event_id in (r.event_id, r.corrects)]
        assert sum(costs) == request.charged_nanos
        assert len(costs) <= 2


@settings(max_examples=80, deadline=None)
@given(steps=st.lists(batches | limits, min_size=1, max_size=12))
def test_the_books_add_up_after_every_batch(steps: list[Batch | int | None]) -> None:
    name = f"House {next(names)}"
    organization = factories.make_organization(name, environment=Environment.STAGING)
    ledger = Ledger(organization)
    for step in steps:
        if isinstance(step, Batch):
            carry_out(step, ledger)
        else:
            ledger.limit_nanos = step
            limit(organization, step)
        assert_books_are(ledger)
