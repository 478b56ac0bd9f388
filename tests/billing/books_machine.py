"""
The books as a state machine: any sequence of events, against a model of their own.

The model knows nothing of batches, locks or SQL: it says in plain Python what ought to
stand in the books after each event. The real statements run on the real Postgres.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from django.db import IntegrityError, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from billing.actions.limits import set_hard_limit
from billing.actions.scope_limits import set_key_limit, set_member_limit
from billing.actions.sweep import execute
from billing.booking_types import Hold
from billing.models import BillingProfile, Budget, CreditGrant
from billing.models import Hold as HoldRow
from billing.scope_models import ScopeBudget
from core.periods import next_cycle
from keys.models import ApiKey
from orgs.models import Organization, User
from tests import factories
from tests.billing.books import (
    Item,
    as_batch,
    book,
    grant,
    hold_of,
    records,
    settling,
    sweeping,
)
from tests.factories import NOW
from tests.usage_factories import make_key

names = count(1)
ORGANIZATION = ("organization", 0)
CREDIT = 300
# Coarse, so that a bound often fits a limit exactly, or misses it by one.
tens = st.integers(1, 10).map(lambda ten: 10 * ten)
bounds = st.just(0) | st.builds(lambda ten, more: ten + more, tens, st.integers(-1, 1))
limits = st.none() | st.just(0) | tens | tens.map(lambda ten: 2 * ten)
positions = st.integers(0, 5)
percents = st.sampled_from([0, 50, 99, 100])


@dataclass
class Request:
    """A hold that was admitted, and what it came to."""

    hold: Hold
    is_open: bool = True
    was_sent: bool = True
    # Kind and cost of each of its records.
    booked: list[tuple[str, int]] = field(default_factory=list)

    @property
    def bound(self) -> int:
        assert self.hold.bound_nanos is not None
        return self.hold.bound_nanos

    @property
    def spent(self) -> int:
        return sum(cost for _, cost in self.booked)

    @property
    def held(self) -> int:
        return self.bound if self.is_open else 0

    @property
    def scopes(self) -> list[tuple[str, int]]:
        """What it counts in: organization, key and, if there is one, member."""
        found = [ORGANIZATION, ("key", self.hold.api_key_id)]
        if self.hold.user_id is not None:
            found.append(("member", self.hold.user_id))
        return found


Place = tuple[date, tuple[str, int]]


@dataclass
class Model:
    """What ought to stand in the books."""

    requests: list[Request] = field(default_factory=list)
    limits: dict[tuple[str, int], int] = field(default_factory=dict)
    # None where credit does not bind.
    credit: int | None = None
    consumed: int = 0

    def amounts(self) -> dict[Place, tuple[int, int]]:
        """Return spent and held by cycle, of the organization, keys and members."""
        sums: dict[Place, tuple[int, int]] = {}
        for request in self.requests:
            for scope in request.scopes:
                place = request.hold.cycle_start, scope
                spent, held = sums.get(place, (0, 0))
                sums[place] = spent + request.spent, held + request.held
        return {place: both for place, both in sums.items() if any(both)}

    def left(self, request: Request) -> list[int]:
        """Return what each limit leaves for a request."""
        sums = self.amounts()
        rooms = [
            limit - sum(sums.get((request.hold.cycle_start, scope), (0, 0)))
            for scope, limit in self.limits.items()
            if scope in request.scopes
        ]
        if self.credit is not None:
            rooms.append(self.credit - self.consumed - self.held)
        return rooms

    @property
    def held(self) -> int:
        return sum(request.held for request in self.requests)

    def admits(self, request: Request) -> bool:
        if request.bound == 0:
            return True
        return all(request.bound <= left for left in self.left(request))

    def charge(self, request: Request, kind: str, cost: int) -> None:
        request.is_open = False
        request.booked.append((kind, cost))
        if self.credit is not None:
            self.consumed = min(self.credit, self.consumed + max(cost, 0))

    def settle(self, request: Request, cost: int) -> None:
        """Charge it; only an estimate that was not corrected yet is corrected."""
        kinds = [kind for kind, _ in request.booked]
        if kinds == ["estimated"]:
            self.charge(request, "correction", cost - request.spent)
        elif not kinds:
            self.charge(request, "actual", cost)

    def sweep(self, request: Request) -> None:
        if request.is_open:
            self.charge(request, "estimated", request.bound)

    def release(self, request: Request) -> None:
        request.is_open = False


class BooksMachine(RuleBasedStateMachine):
    """Drives the books; after every event they must be what the model says."""

    organization: Organization
    keys: list[ApiKey]
    members: list[User]

    @initialize(has_credit=st.booleans())
    def found(self, has_credit: bool) -> None:
        name = f"House {next(names)}"
        self.organization = factories.make_organization(name)
        self.members = [self.join(f"{n}.{next(names)}@house.example") for n in "ab"]
        self.keys = [
            make_key("laptop", user=self.members[0]),
            make_key("phone", user=self.members[0]),
            make_key("desk", user=self.members[1]),
            make_key("service", organization=self.organization),
        ]
        self.cycle = date(2026, 11, 1)
        self.model = Model()
        self.before: dict[Place, tuple[int, int]] = {}
        if has_credit:
            grant(self.organization, CREDIT, days=60)
            self.model.credit = CREDIT
        else:
            BillingProfile.objects.create(organization=self.organization)
        # A stranger whose holds turn a booking alone into a batch.
        self.stranger = factories.make_organization(f"{name} Next")
        BillingProfile.objects.create(organization=self.stranger)

    def join(self, email: str) -> User:
        user = factories.make_user(email)
        factories.join(user, self.organization)
        return user

    def request(self, bound: int, position: int) -> Request:
        key = self.keys[position % len(self.keys)]
        day = datetime(self.cycle.year, self.cycle.month, 15, tzinfo=UTC)
        hold = hold_of(
            self.organization, bound, at=day, api_key_id=key.pk, user_id=key.user_id
        )
        return Request(hold)

    def pick(self, position: int) -> Request | None:
        """Return a request that was admitted, the newest first."""
        requests = self.model.requests
        return requests[-1 - position % len(requests)] if requests else None

    def book(self, *items: Item, alone: bool) -> Any:
        company = [] if alone else [hold_of(self.stranger, 1)]
        return book(*items, *company)

    def ask(self, request: Request, *, alone: bool) -> bool:
        """Ask for a hold and compare the answer with what the model foresees."""
        foreseen = self.model.admits(request)
        left = self.model.left(request)
        refusal = self.book(request.hold, alone=alone).refusals.get(
            request.hold.event_id
        )
        assert (refusal is None) == foreseen
        if refusal is not None:
            assert refusal.left_nanos == min(left)
        else:
            self.model.requests.append(request)
        return refusal is None

    @rule(
        asked=st.lists(bounds, min_size=1, max_size=4),
        position=positions,
        alone=st.booleans(),
    )
    def hold(self, asked: list[int], position: int, alone: bool) -> None:
        """One after the other, by the same key."""
        for bound in asked:
            self.ask(self.request(bound, position), alone=alone)

    @rule(position=positions, alone=st.booleans())
    def hold_the_same_again(self, position: int, alone: bool) -> None:
        """A hold that stands is not made twice: the database refuses it."""
        request = self.pick(position)
        if request is None or not request.is_open or not self.model.admits(request):
            return
        try:
            with transaction.atomic():
                self.book(request.hold, alone=alone)
        except IntegrityError:
            return
        raise AssertionError("a hold was made twice")

    @rule(position=positions, percent=percents, alone=st.booleans())
    def settle(self, position: int, percent: int, alone: bool) -> None:
        """Also again, and at another amount."""
        request = self.pick(position)
        if request is None or not request.was_sent:
            return
        cost = request.bound * percent // 100
        self.model.settle(request, cost)
        self.book(settling(request.hold, cost), alone=alone)

    @rule(position=positions, alone=st.booleans())
    def release(self, position: int, alone: bool) -> None:
        """By the gateway that never sent it; what ended before stays as it is."""
        request = self.pick(position)
        if request is None:
            return
        request.was_sent = request.was_sent and not request.is_open
        self.model.release(request)
        self.book(request.hold.as_release(), alone=alone)

    @rule(position=positions, alone=st.booleans())
    def sweep(self, position: int, alone: bool) -> None:
        """Perhaps of what was released or settled since the sweep looked."""
        request = self.pick(position)
        if request is None:
            return
        self.model.sweep(request)
        self.book(sweeping(request.hold), alone=alone)

    @rule(position=positions, alone=st.booleans())
    def was_never_sent(self, position: int, alone: bool) -> None:
        """The gateway takes back what the sweep charged for it."""
        request = self.pick(position)
        if request is None:
            return
        if request.booked:
            self.model.settle(request, 0)
        nothing = replace(settling(request.hold, 0), only_if_estimated=True)
        if request.booked or not request.is_open:
            self.book(nothing, alone=alone)

    @rule(
        ends=st.lists(positions, max_size=3),
        asked=st.lists(st.tuples(bounds, positions), min_size=1, max_size=4),
    )
    def batch(self, ends: list[int], asked: list[tuple[int, int]]) -> None:
        """Settlements first, then holds, each against all before it."""
        items: list[Item] = []
        for position in ends:
            request = self.pick(position)
            if request is not None and request.was_sent:
                self.model.settle(request, request.bound // 2)
                items.append(settling(request.hold, request.bound // 2))
        foreseen = []
        for bound, position in asked:
            request = self.request(bound, position)
            items.append(request.hold)
            if self.model.admits(request):
                self.model.requests.append(request)
            else:
                foreseen.append(request.hold.event_id)
        assert list(book(*items).refusals) == foreseen

    @rule(nanos=limits)
    def change_hard_limit(self, nanos: int | None) -> None:
        self.change(set_hard_limit, ORGANIZATION, nanos)

    @rule(nanos=limits, position=positions)
    def change_key_limit(self, nanos: int | None, position: int) -> None:
        key = self.keys[position % len(self.keys)]
        self.change(set_key_limit, ("key", key.pk), nanos, api_key=key)

    @rule(nanos=limits, position=positions)
    def change_member_limit(self, nanos: int | None, position: int) -> None:
        user = self.members[position % len(self.members)]
        self.change(set_member_limit, ("member", user.pk), nanos, user=user)

    def change(
        self,
        action: Callable[..., Any],
        scope: tuple[str, int],
        nanos: int | None,
        **whose: Any,
    ) -> None:
        self.model.limits.pop(scope, None)
        if nanos is not None:
            self.model.limits[scope] = nanos
        action(
            organization=self.organization,
            amount_nanos=nanos,
            acting_user=None,
            now=NOW,
            **whose,
        )

    @rule()
    def roll_the_month(self) -> None:
        self.cycle = next_cycle(self.cycle)

    @rule(bound=bounds, position=positions, steps=st.integers(1, 2))
    def die_before_the_commit(self, bound: int, position: int, steps: int) -> None:
        """Whatever ran of a booking is undone, whole."""
        items: list[Item] = [self.request(bound, position).hold]
        ended = self.pick(position)
        if ended is not None and ended.is_open:
            items.append(settling(ended.hold, ended.bound))
        with transaction.atomic():
            booking = as_batch(items)
            step = next(booking)
            for _ in range(steps):
                rows = [execute(statement) for statement in step.statements]
                if step.commits:
                    break
                step = booking.send(rows)
            transaction.set_rollback(True)

    @rule(bound=bounds, position=positions, alone=st.booleans())
    def lose_the_answer_to_a_hold(self, bound: int, position: int, alone: bool) -> None:
        """The gateway refuses the client, and releases what it cannot know of."""
        request = self.request(bound, position)
        if self.ask(request, alone=alone):
            self.model.release(request)
            request.was_sent = False
        self.book(request.hold.as_release(), alone=alone)

    @rule(position=positions, percent=percents, alone=st.booleans())
    def lose_the_answer_to_a_settlement(
        self, position: int, percent: int, alone: bool
    ) -> None:
        """The gateway books it once more."""
        for _ in range(2):
            self.settle(position, percent, alone)

    @invariant()
    def the_books_are_what_the_model_says(self) -> None:
        """I2 and I3: each sum, each open hold, each record."""
        if not hasattr(self, "model"):
            return
        assert self.written_amounts() == self.model.amounts()
        open_ids = {r.hold.event_id for r in self.model.requests if r.is_open}
        rows = HoldRow.objects.filter(organization=self.organization)
        assert set(rows.values_list("event_id", flat=True)) == open_ids
        written = [
            (row.corrects or row.event_id, row.kind, row.cost_nanos)
            for row in records(self.organization)
        ]
        foreseen = [
            (r.hold.event_id, *b) for r in self.model.requests for b in r.booked
        ]
        assert sorted(written) == sorted(foreseen)
        consumed = CreditGrant.objects.filter(organization=self.organization)
        assert sum(each.consumed_nanos for each in consumed) == self.model.consumed

    def written_amounts(self) -> dict[Place, tuple[int, int]]:
        mine = {"organization": self.organization}
        rows: dict[Place, tuple[int, int]] = {
            (row.cycle_start, ORGANIZATION): (row.spent_nanos, row.held_nanos)
            for row in Budget.objects.filter(**mine)
        }
        for part in ScopeBudget.objects.filter(**mine):
            place = part.cycle_start, (part.scope, part.subject_id)
            rows[place] = part.spent_nanos, part.held_nanos
        return {place: both for place, both in rows.items() if any(both)}

    @invariant()
    def nothing_passes_a_limit(self) -> None:
        """I1: what is used grows up to a limit, whatever it was lowered to before."""
        if not hasattr(self, "model"):
            return
        now = self.written_amounts()
        for (cycle, scope), both in now.items():
            limit = self.model.limits.get(scope)
            before = sum(self.before.get((cycle, scope), (0, 0)))
            assert limit is None or sum(both) <= max(limit, before)
        self.before = now

    def teardown(self) -> None:
        """I4: once everything is over, nothing is held."""
        if not hasattr(self, "model"):
            return
        for request in self.model.requests:
            if request.is_open:
                book(settling(request.hold, request.bound))
        assert not HoldRow.objects.filter(organization=self.organization).exists()
        assert not any(held for _, held in self.written_amounts().values())
