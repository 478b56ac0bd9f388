"""
Whatever happens, in whatever order: ledger, records, credit and invoices agree.

Random sequences of usage, sweeps, corrections, credit, adjustments, postings of any
size and months that end, looked at after each step.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

import pytest
from django.db.models import Sum
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.actions.cycles import close_due_cycles
from billing.actions.posting import post_adjustment, post_credit_granted
from billing.actions.usage_posting import post_batch, post_usage
from billing.booking_types import Hold
from billing.invoice_models import Invoice, InvoiceLine
from billing.models import BillingProfile
from billing.verification import invoices, ledger
from orgs.models import Environment, Organization
from tests import factories
from tests.billing.books import book, grant, hold_of, records, settling, sweeping
from tests.billing.test_ledger_posting import balances, commit_checks
from tests.factories import NOW
from usage.actions import roll_up

pytestmark = pytest.mark.django_db

names = count(1)
# Around half a cent, so that rounding matters.
nanos = st.integers(0, 4).map(lambda half: 5_000_000 * half + 1)
months = st.sampled_from([9, 10, 11])
steps = st.one_of(
    st.tuples(st.just("spend"), months, nanos),
    st.tuples(st.just("sweep"), months, nanos),
    st.tuples(st.just("correct"), st.integers(0, 3), nanos),
    st.tuples(st.just("credit"), st.just(0), nanos),
    st.tuples(st.just("adjust"), st.booleans(), nanos),
    st.tuples(st.just("post"), st.integers(1, 4), st.just(0)),
    st.tuples(st.just("month ends"), st.just(0), st.just(0)),
)
CHECKS = (
    ledger.transactions_sum_to_zero,
    ledger.balances_are_sums,
    ledger.ledger_equals_records,
    ledger.ledger_equals_budgets,
    ledger.ledger_equals_rollups,
    ledger.credit_liability_equals_grants,
    invoices.invoices_are_sums_of_lines,
    invoices.invoices_equal_records,
    invoices.unbilled_is_what_no_invoice_has,
)


class Acme:
    """An organization whose months go by."""

    def __init__(self) -> None:
        self.organization: Organization = factories.make_organization(
            f"Acme {next(names)}", environment=Environment.PRODUCTION
        )
        BillingProfile.objects.create(organization=self.organization, legal_name="A")
        self.swept: list[Hold] = []
        self.month = 10

    def now(self) -> datetime:
        return datetime(2026, self.month, 1, 0, 30, tzinfo=UTC)

    def take(self, step: tuple[str, int, int]) -> None:
        name, which, amount = step
        match name:
            case "spend" | "sweep":
                self.use(name, which, amount)
            case "correct" if self.swept:
                book(settling(self.swept[which % len(self.swept)], amount))
            case "credit":
                post_credit_granted(grant(self.organization, amount, days=9), now=NOW)
            case "adjust":
                source = f"adjustment:{next(names)}"
                signed = amount if which else -amount
                post_adjustment(
                    self.organization, signed, source=source, memo="", now=NOW
                )
            case "post":
                self.post(which)
            case "month ends":
                self.month = min(self.month + 1, 12)
                self.post_all()
                close_due_cycles(now=self.now())

    def use(self, name: str, month: int, amount: int) -> None:
        at = datetime(2026, month, 15, tzinfo=UTC)
        hold = hold_of(self.organization, amount, at=at)
        book(hold)
        if name == "sweep":
            self.swept.append(hold)
            book(sweeping(hold))
        else:
            book(settling(hold, amount))

    def post(self, batch_max: int) -> None:
        roll_up(now=NOW)
        post_batch(now=NOW, batch_max=batch_max)

    def post_all(self) -> None:
        """Post up to the last record, however far the sequence has come."""
        roll_up(now=NOW)
        post_usage(now=NOW)


@given(st.lists(steps, min_size=4, max_size=14))
@settings(max_examples=15, deadline=None)
def test_all_of_it_agrees_after_every_step(
    sequence: list[tuple[str, int, int]],
) -> None:
    acme = Acme()
    for step in sequence:
        acme.take(step)
        commit_checks()
        assert [found for check in CHECKS if not (found := check()).holds] == []

    acme.month = 11
    acme.take(("month ends", 0, 0))
    paid_by_credit = sum(each.credit_nanos or 0 for each in records(acme.organization))
    used = sum(each.cost_nanos for each in records(acme.organization))
    due = balances(acme.organization)
    adjusted = -due.get("adjustments", 0)
    assert due.get("unbilled", 0) + due.get("receivable", 0) == (
        used + adjusted - paid_by_credit
    )
    issued = Invoice.objects.filter(organization=acme.organization)
    total = issued.aggregate(sum=Sum("total_nanos", default=0))["sum"]
    lines = InvoiceLine.objects.filter(organization=acme.organization)
    assert lines.aggregate(sum=Sum("amount_nanos", default=0))["sum"] == total
    assert due.get("receivable", 0) == total
