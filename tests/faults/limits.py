"""Limits that move while others spend, and the most that each ever allowed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connections, transaction
from django.utils import timezone

from billing.actions.limits import set_hard_limit
from billing.actions.scope_limits import set_key_limit, set_member_limit
from billing.models import Budget
from billing.scope_models import Scope, ScopeBudget
from keys.models import ApiKey
from orgs.models import Organization, User

T = TypeVar("T")

OUTAGE_MAX_S = 60.0


@dataclass
class MovingLimit:
    """A limit, whom it limits, and what may have been spent under it by now."""

    organization: Organization
    cycle: date
    # None: the whole organization.
    subject: ApiKey | User | None = None
    # The most that may have been spent by now, whatever the limit was when.
    ceiling_nanos: int = 0
    # In other cycles, by gateways whose clock is wrong.
    ceiling_elsewhere_nanos: int = 0
    _limit_nanos: int = field(default=0, init=False)

    def raise_by(self, room_nanos: int) -> None:
        """Leave so much room beyond what is spent and held."""
        used = survive(self.used_nanos)
        self._limit_nanos = max(used, self._limit_nanos) + room_nanos
        # Before its commit: from then on it may be spent.
        self.ceiling_nanos = max(self.ceiling_nanos, self._limit_nanos)
        self.ceiling_elsewhere_nanos = max(
            self.ceiling_elsewhere_nanos, self._limit_nanos
        )
        survive(self._write)

    def lower(self, share: float) -> None:
        """Set the limit to what is spent or held, or a little below."""
        used = survive(self.used_nanos)
        self._limit_nanos = int(used * (0.8 + 0.2 * share))
        survive(self._write)
        # Whoever decides after this lock sees the new limit; who did before, is in.
        self.ceiling_nanos = max(survive(self.used_nanos), self._limit_nanos)

    def used_nanos(self) -> int:
        """Return what is spent or held, under the books' own lock."""
        with transaction.atomic():
            budgets = Budget.objects.filter(cycle_start=self.cycle)
            locked = list(budgets.select_for_update())
            if self.subject is None:
                return sum(b.spent_nanos + b.held_nanos for b in locked)
            parts = ScopeBudget.objects.filter(
                cycle_start=self.cycle, scope=self.scope, subject_id=self.subject.pk
            )
            return sum(part.spent_nanos + part.held_nanos for part in parts)

    @property
    def scope(self) -> Scope:
        return Scope.MEMBER if isinstance(self.subject, User) else Scope.KEY

    def _write(self) -> None:
        to = partial(self._setter(), organization=self.organization)
        to(amount_nanos=self._limit_nanos, acting_user=None, now=timezone.now())

    def _setter(self) -> Callable[..., object]:
        if self.subject is None:
            return set_hard_limit
        if isinstance(self.subject, User):
            return partial(set_member_limit, user=self.subject)
        return partial(set_key_limit, api_key=self.subject)


def survive(work: Callable[[], T]) -> T:
    """Do something as soon as Postgres lets us; all of it is safe to repeat."""
    ends = time.monotonic() + OUTAGE_MAX_S
    while True:
        try:
            return work()
        except (OperationalError, InterfaceError):
            connections.close_all()
            if time.monotonic() > ends:
                raise
            time.sleep(0.1)
