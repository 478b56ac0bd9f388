"""Reads of billing cycles: what each came to, and the invoice of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from billing.invoice_models import BillingCycle, CycleState, Invoice
from billing.invoice_queries import Standing, standing_of
from billing.models import Budget
from core.periods import cycle_of
from orgs.models import Organization

# Ten years, as far as the pages of usage go back.
CYCLES_MAX = 120


@dataclass(frozen=True, slots=True)
class CycleRow:
    """A billing cycle of an organization. Amounts in nano-dollars."""

    cycle_start: date
    state: CycleState
    spent_nanos: int
    held_nanos: int
    is_current: bool
    # Its invoice, and credit notes of it.
    documents: tuple[Standing, ...]


def cycles_of(organization: Organization, *, now: datetime) -> list[CycleRow]:
    """Return the cycles with something spent, held or invoiced, newest first."""
    budgets = {
        budget.cycle_start: budget
        for budget in Budget.objects.filter(organization=organization)
    }
    states = dict(
        BillingCycle.objects.filter(organization=organization).values_list(
            "cycle_start", "state"
        )
    )
    documents = documents_of(organization, today=now.date())
    return [
        CycleRow(
            cycle_start,
            CycleState(states.get(cycle_start, CycleState.OPEN)),
            budgets[cycle_start].spent_nanos if cycle_start in budgets else 0,
            budgets[cycle_start].held_nanos if cycle_start in budgets else 0,
            is_current=cycle_start == cycle_of(now),
            documents=tuple(documents.get(cycle_start, ())),
        )
        for cycle_start in sorted({*budgets, *documents}, reverse=True)[:CYCLES_MAX]
    ]


def documents_of(
    organization: Organization, *, today: date
) -> dict[date, list[Standing]]:
    """Return invoices and credit notes by their cycle, in order of issue."""
    invoices = Invoice.objects.filter(organization=organization).order_by("pk")
    found: dict[date, list[Standing]] = {}
    for invoice in invoices.select_related("payment").prefetch_related("credit_notes"):
        standing = standing_of(invoice, today=today)
        found.setdefault(invoice.cycle_start, []).append(standing)
    return found
