"""What a refusal's page says: the limit that refused then, and what it leaves now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from billing.funding import funding_of
from billing.limits import REFUSAL_CODES, Binding, Room
from billing.quota import suggested_nanos
from billing.scope_queries import key_amounts, member_amounts
from core.periods import cycle_of, next_cycle
from orgs.models import Membership
from usage.models import RefusedRequest

BINDINGS = {code: binding for binding, code in REFUSAL_CODES.items()}


@dataclass(frozen=True, slots=True)
class LimitThatRefused:
    """A limit of spending as it was when it refused a request, and as it is now."""

    binding: Binding
    then: Room
    # None if there is no such limit any more, or the viewer may not see it.
    now: Room | None
    bound_nanos: int | None
    # The cycle that was full; None for credit, which does not come back.
    resets_on: date | None
    # Whole dollars to ask for, if it was the approved limit.
    suggested_nanos: int

    @property
    def missing_nanos(self) -> int | None:
        """How much more it would have needed to leave."""
        if self.bound_nanos is None:
            return None
        return self.bound_nanos - self.then.left_nanos

    @property
    def could_never_fit(self) -> bool:
        bound = self.bound_nanos
        return bound is not None and bound > self.then.limit_nanos

    @property
    def fits_now(self) -> bool:
        """Whether this limit would let it pass now; others may refuse it still."""
        if self.now is None:
            return True
        return self.bound_nanos is not None and self.bound_nanos <= self.now.left_nanos


def limit_that_refused(
    viewer: Membership, refusal: RefusedRequest, *, now: datetime
) -> LimitThatRefused | None:
    """Return the limit behind a refusal, or None if it was no limit of spending."""
    binding = BINDINGS.get(refusal.code)
    if binding is None or refusal.limit_nanos is None:
        return None
    assert refusal.spent_nanos is not None
    assert refusal.held_nanos is not None
    cycle = cycle_of(refusal.occurred_at)
    return LimitThatRefused(
        binding=binding,
        then=Room(
            binding,
            refusal.limit_nanos,
            refusal.spent_nanos,
            refusal.held_nanos,
            refusal.scope_name,
        ),
        now=room_now(viewer, refusal, binding, now=now),
        bound_nanos=refusal.bound_nanos,
        resets_on=None if binding is Binding.CREDIT else next_cycle(cycle),
        suggested_nanos=suggested_nanos(refusal.limit_nanos, refusal.bound_nanos),
    )


def room_now(
    viewer: Membership, refusal: RefusedRequest, binding: Binding, *, now: datetime
) -> Room | None:
    """Return what the limit of a kind leaves now, to whoever was refused by it."""
    if binding is Binding.KEY_LIMIT:
        scope = key_amounts(viewer, refusal.api_key.public_id, now=now)
    elif binding is Binding.MEMBER_LIMIT and refusal.user is not None:
        scope = member_amounts(viewer, refusal.user.public_id, now=now)
    else:
        rooms = funding_of(viewer.organization, now=now).rooms()
        return next((room for room in rooms if room.binding is binding), None)
    if scope is None or scope.limit_nanos is None:
        return None
    amounts = scope.limit_nanos, scope.spent_nanos, scope.held_nanos
    return Room(binding, *amounts, scope.name)
