"""Amounts as people type them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.amounts import NotAnAmount, amount_from
from core.money import NANOS_PER_CENT, cents_usd
from tests.factories import usd


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("250", "250"),
        (" 99.50 ", "99.5"),
        ("$1,234.50", "1234.5"),
        ("0", "0"),
        (".5", "0.5"),
        ("5.", "5"),
        ("12.3400", "12.34"),
        ("10000000", "10000000"),
        ("100 USD", "100"),
        ("+3", "3"),
    ],
)
def test_it_takes_dollars_and_cents(text: str, amount: str) -> None:
    assert amount_from(text) == usd(amount)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "No amount was entered"),
        ("   ", "No amount was entered"),
        ("-1", "cannot be negative"),
        ("-$1", "cannot be negative"),
        ("-0.001", "cannot be negative"),
        ("0.001", "at most cents"),
        ("1.999", "at most cents"),
        ("10000000.01", "The largest amount is $10,000,000.00"),
        ("9" * 5000, "The largest amount is $10,000,000.00"),
        ("abc", "“abc” is not an amount"),
        ("1e5", "is not an amount"),
        ("NaN", "is not an amount"),
        ("Infinity", "is not an amount"),
        ("1,5", "is not an amount"),
        ("1.000,50", "is not an amount"),
        ("１２", "is not an amount"),
        (".", "is not an amount"),
        ("$", "is not an amount"),
        ("1 000", "is not an amount"),
    ],
)
def test_it_says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(NotAnAmount, match=re.escape(reason)) as refusal:
        amount_from(text)

    assert len(str(refusal.value)) < 200


def test_it_knows_the_smallest_amount() -> None:
    with pytest.raises(NotAnAmount, match=r"The smallest amount is \$0.01"):
        amount_from("0", least_nanos=NANOS_PER_CENT)


@given(cents=st.integers(0, 10**9))
def test_what_is_shown_can_be_entered_again(cents: int) -> None:
    nanos = cents * NANOS_PER_CENT

    assert amount_from(cents_usd(nanos)) == nanos


@given(text=st.text(max_size=30))
def test_any_text_is_an_amount_or_refused(text: str) -> None:
    try:
        nanos = amount_from(text)
    except NotAnAmount:
        return
    assert nanos >= 0
    assert nanos % NANOS_PER_CENT == 0
