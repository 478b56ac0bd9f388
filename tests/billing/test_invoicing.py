"""What an invoice adds up to: rounded once per line, and nothing is lost."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.invoicing import Line, LineKind, bill_of, whole_cents
from core.money import NANOS_PER_CENT
from tests.factories import usd

amounts = st.lists(st.integers(-(10**12), 10**12), max_size=8)


def usage(nanos: int) -> Line:
    return Line(LineKind.USAGE, "gpt", nanos)


@given(amounts, st.integers(-(10**9), 10**9))
def test_lines_are_the_total_and_what_is_carried_is_the_rest(
    exact: list[int], carried: int
) -> None:
    bill = bill_of(map(usage, exact), carried_nanos=carried)

    assert sum(line.amount_nanos for line in bill.lines) == bill.total_nanos >= 0
    assert all(line.amount_nanos % NANOS_PER_CENT == 0 for line in bill.lines)
    assert bill.total_nanos + bill.carried_nanos == sum(exact) + carried


def test_halves_go_to_the_even_cent() -> None:
    half = NANOS_PER_CENT // 2
    assert whole_cents(half) == 0
    assert whole_cents(3 * half) == 2 * NANOS_PER_CENT
    assert whole_cents(-half) == 0
    assert whole_cents(half + 1) == NANOS_PER_CENT


def test_what_is_too_little_to_bill_is_billed_when_it_is_a_cent() -> None:
    first = bill_of([usage(usd("0.004"))], carried_nanos=0)
    second = bill_of([usage(usd("0.004"))], carried_nanos=first.carried_nanos)
    third = bill_of([usage(0)], carried_nanos=second.carried_nanos)

    assert (first.total_nanos, second.total_nanos) == (0, 0)
    assert (third.total_nanos, third.carried_nanos) == (usd("0.01"), -usd("0.002"))


def test_an_amount_in_the_buyers_favor_goes_on_to_the_next_invoice() -> None:
    bill = bill_of([usage(-usd(3))], carried_nanos=0)

    assert (bill.total_nanos, bill.carried_nanos) == (0, -usd(3))
    assert bill.lines[-1].kind is LineKind.CARRIED_ON


def test_tax_is_on_the_net_amount_and_rounded_once() -> None:
    bill = bill_of([usage(usd("10.55"))], carried_nanos=0, tax_percent=Decimal("19"))

    assert bill.tax_nanos == usd("2.00")
    assert bill.total_nanos == usd("12.55")
    assert bill.lines[-1].description == "Tax, 19 %"


def test_nothing_but_a_rest_needs_no_invoice() -> None:
    assert not bill_of([], carried_nanos=4).is_needed
    assert bill_of([usage(1)], carried_nanos=0).is_needed
