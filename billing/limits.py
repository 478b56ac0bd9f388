"""
May this request spend? The one pure function that decides, and says what binds.

The gateway, the pages and the mails all ask here.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

# What is left of a limit, as a part of it, when it counts as all but spent.
ALL_BUT_SPENT = 20


class Binding(enum.Enum):
    """The limit that binds: the one that leaves the least."""

    KEY_LIMIT = "key_limit"
    MEMBER_LIMIT = "member_limit"
    CREDIT = "credit"
    HARD_LIMIT = "hard_limit"
    APPROVED_LIMIT = "approved_limit"


# What a refused client is told: the code in the answer, and in what is kept of it.
REFUSAL_CODES = {
    Binding.KEY_LIMIT: "key_spend_limit_exceeded",
    Binding.MEMBER_LIMIT: "member_spend_limit_exceeded",
    Binding.CREDIT: "credit_balance_exhausted",
    Binding.HARD_LIMIT: "organization_spend_limit_exceeded",
    Binding.APPROVED_LIMIT: "organization_usage_limit_exceeded",
}


@dataclass(frozen=True, slots=True)
class ScopeFunding:
    """The limit of one key or member in a cycle, and what they used of it."""

    # KEY_LIMIT or MEMBER_LIMIT.
    binding: Binding
    # The key's or the member's, for people.
    name: str
    limit_nanos: int
    spent_nanos: int
    held_nanos: int

    def room(self) -> Room:
        return Room(
            self.binding, self.limit_nanos, self.spent_nanos, self.held_nanos, self.name
        )


@dataclass(frozen=True, slots=True)
class Funding:
    """
    What an organization may spend in a cycle, and what it has spent. Nano-dollars.

    A limit of None does not apply. `credit_nanos` is unconsumed credit; it is None
    when billing information was entered, or in staging: then credit does not bind.
    `scopes` are the limits of the key and the member that ask, if they have any.
    """

    hard_limit_nanos: int | None
    approved_limit_nanos: int | None
    credit_nanos: int | None
    spent_nanos: int
    held_nanos: int
    scopes: tuple[ScopeFunding, ...] = ()

    def rooms(self) -> Iterator[Room]:
        """Yield what each limit that applies leaves, most personal limit first."""
        for scope in self.scopes:
            yield scope.room()
        amounts = self.spent_nanos, self.held_nanos
        if self.hard_limit_nanos is not None:
            yield Room(Binding.HARD_LIMIT, self.hard_limit_nanos, *amounts)
        if self.approved_limit_nanos is not None:
            yield Room(Binding.APPROVED_LIMIT, self.approved_limit_nanos, *amounts)
        if self.credit_nanos is not None:
            yield Room(Binding.CREDIT, self.credit_nanos, *amounts)


@dataclass(frozen=True, slots=True)
class Room:
    """What one limit leaves, and what was spent and is held against it."""

    binding: Binding
    limit_nanos: int
    spent_nanos: int
    held_nanos: int
    scope_name: str = ""

    @property
    def left_nanos(self) -> int:
        """Negative if the limit was lowered below the spending."""
        # Credit is what spending left of it.
        spent = 0 if self.binding is Binding.CREDIT else self.spent_nanos
        return self.limit_nanos - spent - self.held_nanos


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request may not spend: its bound exceeds what the limit leaves."""

    binding: Binding
    limit_nanos: int
    # Of the key, the member or the organization: of whatever the limit is.
    spent_nanos: int
    held_nanos: int
    bound_nanos: int | None
    left_nanos: int
    # The key's or the member's name; empty for a limit of the organization.
    scope_name: str = ""

    @property
    def can_never_fit(self) -> bool:
        """Even with nothing spent and nothing held, the bound would not fit."""
        return self.bound_nanos is not None and self.bound_nanos > self.limit_nanos

    @property
    def is_all_but_spent(self) -> bool:
        """Holds apart, a twentieth of the limit is left at most: people must know."""
        return (self.limit_nanos - self.spent_nanos) * ALL_BUT_SPENT <= self.limit_nanos


def tightest(funding: Funding) -> Room | None:
    """Return the limit that leaves the least, or None if none applies."""
    return min(funding.rooms(), key=lambda room: room.left_nanos, default=None)


def decide(funding: Funding, bound_nanos: int | None) -> Refusal | None:
    """
    Return None if `bound_nanos` may be held, else why not.

    A bound of None (nobody can say what the request may cost) fits no limit. What
    costs nothing needs no room, not even where a limit was lowered below the spending.
    """
    if bound_nanos == 0:
        return None
    room = tightest(funding)
    if room is None:
        return None
    if bound_nanos is not None and bound_nanos <= room.left_nanos:
        return None
    return Refusal(
        binding=room.binding,
        limit_nanos=room.limit_nanos,
        spent_nanos=room.spent_nanos,
        held_nanos=room.held_nanos,
        bound_nanos=bound_nanos,
        left_nanos=room.left_nanos,
        scope_name=room.scope_name,
    )


@dataclass(frozen=True, slots=True)
class Headroom:
    """What may still be spent: None if nothing limits it. Never below zero."""

    nanos: int | None
    binding: Binding | None


def headroom(funding: Funding) -> Headroom:
    """Return what may still be spent and which limit says so."""
    room = tightest(funding)
    if room is None:
        return Headroom(None, None)
    return Headroom(max(room.left_nanos, 0), room.binding)
