"""Reads of billing cycles: what each came to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from billing.models import Budget
from core.periods import cycle_of
from orgs.models import Organization

# Ten years, as far as the pages of usage go back.
CYCLES_MAX = 120


@dataclass(frozen=True, slots=True)
class CycleRow:
    """A billing cycle of an organization. Amounts in nano-dollars."""

    cycle_start: date
    spent_nanos: int
    held_nanos: int
    is_current: bool


def cycles_of(organization: Organization, *, now: datetime) -> list[CycleRow]:
    """Return the cycles in which something was spent or held, newest first."""
    budgets = Budget.objects.filter(organization=organization).order_by("-cycle_start")
    return [
        CycleRow(
            budget.cycle_start,
            budget.spent_nanos,
            budget.held_nanos,
            is_current=budget.cycle_start == cycle_of(now),
        )
        for budget in budgets[:CYCLES_MAX]
    ]
