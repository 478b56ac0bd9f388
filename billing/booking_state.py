"""What a batch of bookings found under its locks, and what it is going to write."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from billing.booking_types import BudgetKey, Hold, ScopeKey, scope_keys
from billing.credit import Grant, backing_nanos
from billing.limits import Binding, Funding, Refusal, ScopeFunding

SCOPE_BINDINGS = {"key": Binding.KEY_LIMIT, "member": Binding.MEMBER_LIMIT}


@dataclass(slots=True)
class Account:
    """A locked budget row and what changes in it."""

    budget_id: int
    spent_nanos: int
    held_nanos: int
    spent_change: int = 0
    held_change: int = 0

    @property
    def spent(self) -> int:
        return self.spent_nanos + self.spent_change

    @property
    def held(self) -> int:
        return self.held_nanos + self.held_change


@dataclass(slots=True)
class Terms:
    """What an organization may spend on."""

    hard_limit_nanos: int | None = None
    approved_limit_nanos: int | None = None
    credit_binds: bool = False
    # Over all cycles: around midnight of a month two budgets hold the same credit.
    held_nanos: int = 0
    grants: list[Grant] = field(default_factory=list)

    def funding(self, account: Account, scopes: tuple[ScopeFunding, ...]) -> Funding:
        credit = backing_nanos(self.grants)
        held_elsewhere = self.held_nanos - account.held
        return Funding(
            hard_limit_nanos=self.hard_limit_nanos,
            approved_limit_nanos=self.approved_limit_nanos,
            credit_nanos=credit - held_elsewhere if self.credit_binds else None,
            spent_nanos=account.spent,
            held_nanos=account.held,
            scopes=scopes,
        )


@dataclass(frozen=True, slots=True)
class ScopeLimit:
    """The limit of a key or member, and what it had spent and held before."""

    name: str
    limit_nanos: int
    spent_nanos: int
    held_nanos: int


@dataclass(slots=True)
class ScopeChange:
    """What a batch changes of a key's or member's part of a budget."""

    spent_nanos: int = 0
    held_nanos: int = 0


@dataclass(frozen=True, slots=True)
class OpenHold:
    """A hold that stands: what it holds, and for whom."""

    bound_nanos: int
    api_key_id: int
    user_id: int | None
    created_at: datetime

    def scope_keys(self, key: BudgetKey) -> list[ScopeKey]:
        return scope_keys(key, self.api_key_id, self.user_id)


@dataclass(slots=True)
class Books:
    """What a batch found under its locks, and what it is going to write."""

    accounts: dict[BudgetKey, Account]
    terms: dict[int, Terms]
    # The open holds among those that the batch ends.
    open_holds: dict[uuid.UUID, OpenHold]
    # Of the keys and members that ask for holds, those that have a limit.
    scope_limits: dict[ScopeKey, ScopeLimit] = field(default_factory=dict)
    # Kind and cost of what is booked already, for settlements without a hold.
    past_records: dict[uuid.UUID, tuple[str, int]] = field(default_factory=dict)
    new_holds: list[dict[str, Any]] = field(default_factory=list)
    ended_holds: list[uuid.UUID] = field(default_factory=list)
    new_records: list[dict[str, Any]] = field(default_factory=list)
    scope_changes: dict[ScopeKey, ScopeChange] = field(default_factory=dict)
    # Limits of organizations that refused because they are all but spent, and those of
    # keys and members, each with what was spent: people are told.
    exhausted: set[tuple[int, date, int]] = field(default_factory=set)
    exhausted_scopes: dict[tuple[*ScopeKey, int], int] = field(default_factory=dict)

    def change_held(self, key: BudgetKey, scopes: list[ScopeKey], nanos: int) -> None:
        self.accounts[key].held_change += nanos
        self.terms[key[0]].held_nanos += nanos
        for scope in scopes:
            self.scope_changes.setdefault(scope, ScopeChange()).held_nanos += nanos

    def end_hold(self, hold: OpenHold, key: BudgetKey) -> None:
        self.change_held(key, hold.scope_keys(key), -hold.bound_nanos)
        for grant in self.terms[key[0]].grants:
            grant.release(hold.created_at, hold.bound_nanos)

    def charge(self, key: BudgetKey, scopes: list[ScopeKey], nanos: int) -> None:
        self.accounts[key].spent_change += nanos
        for scope in scopes:
            self.scope_changes.setdefault(scope, ScopeChange()).spent_nanos += nanos

    def funding(self, hold: Hold) -> Funding:
        """Return what decides about a hold, with all that the batch changed so far."""
        scopes = (self.scope_funding(scope) for scope in hold.scope_keys)
        limited = tuple(scope for scope in scopes if scope is not None)
        return self.terms[hold.organization_id].funding(
            self.accounts[hold.key], limited
        )

    def note_exhausted(self, hold: Hold, refusal: Refusal) -> None:
        """Note a limit that is all but spent; credit has notices of its own."""
        if refusal.binding in (Binding.HARD_LIMIT, Binding.APPROVED_LIMIT):
            self.exhausted.add((*hold.key, refusal.limit_nanos))
        for key in hold.scope_keys:
            if SCOPE_BINDINGS[key[2]] is refusal.binding:
                limited = (*key, refusal.limit_nanos)
                self.exhausted_scopes[limited] = refusal.spent_nanos

    def scope_funding(self, scope: ScopeKey) -> ScopeFunding | None:
        limit = self.scope_limits.get(scope)
        if limit is None:
            return None
        change = self.scope_changes.get(scope, ScopeChange())
        return ScopeFunding(
            binding=SCOPE_BINDINGS[scope[2]],
            name=limit.name,
            limit_nanos=limit.limit_nanos,
            spent_nanos=limit.spent_nanos + change.spent_nanos,
            held_nanos=limit.held_nanos + change.held_nanos,
        )
