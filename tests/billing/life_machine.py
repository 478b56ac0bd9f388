"""
The life of an organization as a state machine: any sequence of deeds about money.

What the books do with requests at once is the business of `books_machine`; here time
goes by, months end, and people decide. After each step the ledger, the records, the
credit and the documents must agree, and be what a plain model says.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from billing.actions.adjustments import book_adjustment
from billing.actions.credit import CannotVoid, CreditWish, grant_credit, void_credit
from billing.actions.credit_notes import (
    AlreadyCredited,
    MoreThanLeft,
    Part,
    issue_credit_note,
)
from billing.actions.funding import decide_approved_limit, enter_billing_profile
from billing.actions.invoices import AlreadyPaid, record_payment
from billing.actions.prices import add_prices
from billing.actions.quota import (
    NotAnIncrease,
    NothingToRaise,
    RequestPending,
    approve_request,
    deny_request,
    request_increase,
    withdraw_request,
)
from billing.booking_types import Hold
from billing.invoice_models import Invoice
from billing.ledger_queries import posted_up_to
from billing.models import Budget, CreditGrant, QuotaRequest, QuotaStatus, SpendLimits
from billing.pricing import Tokens
from billing.verification import invoices, ledger, money
from billing.verification.findings import Finding
from core.periods import cycle_of
from orgs.actions import reactivate_organization, suspend_organization
from tests import factories
from tests.billing.books import book, settling, sweeping
from tests.billing.life import Clock, Life, price_of
from tests.billing.test_ledger_posting import balances, commit_checks
from tests.factories import usd
from usage.models import UsageRecord

BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
CHECKS: tuple[Callable[[], Finding], ...] = (
    money.budgets_equal_records,
    money.budgets_equal_holds,
    money.credit_within_grants,
    ledger.transactions_sum_to_zero,
    ledger.balances_are_sums,
    ledger.ledger_equals_records,
    ledger.ledger_equals_budgets,
    ledger.credit_liability_equals_grants,
    invoices.invoices_are_sums_of_lines,
    invoices.invoices_equal_records,
    invoices.unbilled_is_what_no_invoice_has,
    invoices.credit_notes_within_invoices,
    invoices.receivable_is_what_is_due,
)
names = count(1)
dollars = st.integers(1, 40)
# Thousands of tokens, so that a request costs from cents to dollars.
sizes = st.sampled_from([1_003, 90_001, 4_000_003])
days = st.sampled_from([1, 3, 10, 25])
# What an action says to a wish that cannot be: the model expects nothing then.
REFUSALS = (
    *(CannotVoid, AlreadyCredited, MoreThanLeft, AlreadyPaid),
    *(NotAnIncrease, NothingToRaise, RequestPending),
)


class LifeMachine(RuleBasedStateMachine):
    """Drives what people and the worker do; see the module."""

    life: Life

    @initialize(is_billed=st.booleans())
    def found(self, is_billed: bool) -> None:
        self.undo = transaction.savepoint()
        self.patch = pytest.MonkeyPatch()
        clock = Clock(BEGIN, self.patch)
        price_of(150, BEGIN).save()
        ada = factories.make_user(f"ada.{next(names)}@life.example")
        op = factories.make_user(f"op.{next(names)}@life.example", is_staff=True)
        self.life = Life.begin(clock, ada, op)
        self.open: list[tuple[Hold, Tokens, int]] = []
        self.swept: list[Hold] = []
        self.adjusted = 0
        if is_billed:
            self.enter_billing_information()

    def act(self, action: Callable[..., Any], **what: Any) -> Any:
        """Call an action; one that is refused must leave no trace."""
        with contextlib.suppress(*REFUSALS), transaction.atomic():
            return action(now=self.life.clock.now, **what)
        return None

    def as_operator(self, action: Callable[..., Any], **what: Any) -> Any:
        return self.act(action, acting_user=self.life.op, **what)

    def as_owner(self, action: Callable[..., Any], **what: Any) -> Any:
        return self.act(action, acting_user=self.life.ada, **what)

    @rule(size=sizes)
    def request(self, size: int) -> None:
        self.life.request(Tokens(input=size, output=size // 10))

    @rule(size=sizes)
    def begin_a_request(self, size: int) -> None:
        price = self.life.price_now()
        assert price.input_nanos
        hold = self.life.hold(price, size * price.input_nanos)
        if not book(hold).refusals:
            self.open.append((hold, Tokens(input=size // 2), price.input_nanos))

    @rule(is_lost=st.booleans())
    def end_a_request(self, is_lost: bool) -> None:
        """Perhaps after its month is over, or after the credit it was held by."""
        if not self.open:
            return
        hold, tokens, rate = self.open.pop(0)
        if is_lost:
            book(sweeping(hold))
            self.swept.append(hold)
        else:
            self.life.settle(hold, tokens, tokens.input * rate)

    @rule(part=st.integers(0, 3))
    def correct_an_estimate(self, part: int) -> None:
        if self.swept:
            hold = self.swept.pop()
            assert hold.bound_nanos is not None
            book(settling(hold, hold.bound_nanos * part // 3))

    @rule(amount=dollars, lasts=st.none() | days, priority=st.sampled_from([10, 50]))
    def grant(self, amount: int, lasts: int | None, priority: int) -> None:
        now = self.life.clock.now
        wish = CreditWish(
            name="Credit",
            kind="paid" if priority == 10 else "goodwill",
            amount_nanos=usd(amount),
            effective_at=now,
            expires_at=None if lasts is None else now + timedelta(days=lasts),
            priority=priority,
        )
        organization = self.life.organization
        self.as_operator(grant_credit, organization=organization, wish=wish)

    @rule()
    def void(self) -> None:
        grant = CreditGrant.objects.filter(voided_at=None).order_by("-pk").first()
        if grant is not None:
            self.as_operator(void_credit, grant=grant, reason="A slip")

    @rule(amount=dollars, is_charge=st.booleans())
    def adjust(self, amount: int, is_charge: bool) -> None:
        nanos = usd(amount) if is_charge else -usd(amount)
        self.adjusted += nanos
        self.as_operator(
            book_adjustment,
            organization=self.life.organization,
            adjustment_id=str(next(names)),
            amount_nanos=nanos,
            memo="Sorry",
        )

    @rule()
    def enter_billing_information(self) -> None:
        self.as_owner(
            enter_billing_profile, organization=self.life.organization, legal_name="A"
        )

    @rule(amount=dollars)
    def decide_the_limit(self, amount: int) -> None:
        self.as_operator(
            decide_approved_limit,
            organization=self.life.organization,
            amount_nanos=usd(amount),
            reason="So",
        )

    @rule(amount=st.integers(1, 400), lasts=st.none() | days)
    def ask_for_more(self, amount: int, lasts: int | None) -> None:
        today = self.life.clock.now.date()
        self.as_owner(
            request_increase,
            organization=self.life.organization,
            amount_nanos=usd(amount),
            until=None if lasts is None else today + timedelta(days=lasts),
            reason="A launch",
        )

    @rule(decision=st.sampled_from(["approve", "deny", "withdraw"]), part=days)
    def decide_a_request(self, decision: str, part: int) -> None:
        """As asked, or for fewer days than that."""
        asked = QuotaRequest.objects.filter(status=QuotaStatus.PENDING).first()
        if asked is None:
            return
        match decision:
            case "approve":
                self.as_operator(
                    approve_request,
                    request=asked,
                    amount_nanos=asked.requested_nanos,
                    until=self.life.clock.now.date() + timedelta(days=part),
                    message="",
                )
            case "deny":
                self.as_operator(deny_request, request=asked, message="No")
            case _:
                self.as_owner(withdraw_request, request=asked)

    @rule(rate=st.integers(50, 400))
    def change_the_price(self, rate: int) -> None:
        price = price_of(rate, self.life.clock.now + timedelta(minutes=1))
        self.as_operator(add_prices, prices=[price])
        self.life.clock.set(self.life.clock.now + timedelta(minutes=2))

    @rule(is_end=st.booleans())
    def suspend(self, is_end: bool) -> None:
        organization = self.life.organization
        if is_end:
            self.as_operator(reactivate_organization, organization=organization)
        else:
            self.as_operator(
                suspend_organization, organization=organization, message="A bill"
            )

    @rule(amount=st.none() | dollars)
    def take_back(self, amount: int | None) -> None:
        """A part of the newest invoice, or what is left of it."""
        invoice = Invoice.objects.filter(kind="invoice").order_by("-pk").first()
        if invoice is not None:
            part = None if amount is None else Part(usd(amount))
            self.as_operator(
                issue_credit_note, invoice=invoice, part=part, reason="Outage"
            )

    @rule()
    def pay(self) -> None:
        for invoice in Invoice.objects.filter(kind="invoice", payment=None):
            self.as_operator(
                record_payment,
                invoice=invoice,
                paid_on=self.life.clock.now.date(),
                reference="Wire",
            )

    @rule(some=days)
    def let_days_go_by(self, some: int) -> None:
        """With the worker's turns: credit expires, raises revert, months close."""
        self.life.clock.set(self.life.clock.now + timedelta(days=some))
        self.life.beat()

    @rule()
    def let_the_worker_work(self) -> None:
        self.life.beat()

    @invariant()
    def all_of_it_agrees(self) -> None:
        if not hasattr(self, "life"):
            return
        commit_checks()
        assert [found for check in CHECKS if not (found := check()).holds] == []

    @invariant()
    def nothing_is_lost(self) -> None:
        """What was used and adjusted is credit, billed, paid, taken back, or open."""
        if not hasattr(self, "life"):
            return
        account = balances(self.life.organization)
        granted = CreditGrant.objects.all()
        paid_for = sum(each.amount_nanos for each in granted if each.kind == "paid")
        voided = sum(
            each.written_off_nanos
            for each in granted
            if each.kind == "paid" and each.voided_at == each.ends_at and each.voided_at
        )
        notes = Invoice.objects.filter(kind="credit_note")
        back = sum(note.net_nanos for note in notes)
        posted = -account.get("usage", 0)
        consumed = self.credit_posted()
        owing = account.get("unbilled", 0) + account.get("receivable", 0)
        cash = account.get("payments", 0) - paid_for + voided
        assert owing + cash + back == posted - consumed + self.adjusted

    def credit_posted(self) -> int:
        """Return what credit paid of the usage that is posted, from the records."""
        rows = UsageRecord.objects.filter(sequence__lte=posted_up_to())
        return sum(row.credit_nanos or 0 for row in rows)

    @invariant()
    def the_approved_limit_holds(self) -> None:
        """What is spent and held grows up to the limit, whatever it was before."""
        if not hasattr(self, "life"):
            return
        cycle = cycle_of(self.life.clock.now)
        budget = Budget.objects.filter(cycle_start=cycle).first()
        limits = SpendLimits.objects.filter(organization=self.life.organization).first()
        used = budget.spent_nanos + budget.held_nanos if budget else 0
        limit = limits.approved_limit_nanos if limits else None
        if limit is not None and (cycle, used) > getattr(self, "before", (cycle, used)):
            assert used <= limit
        self.before = (cycle, used)

    def teardown(self) -> None:
        """Undo the example, so that the next one begins with nothing."""
        if not hasattr(self, "undo"):
            return
        try:
            # Nobody beats for the gateway: what it holds is charged first.
            self.life.beat()
            self.life.check()
        finally:
            self.patch.undo()
            transaction.savepoint_rollback(self.undo)
