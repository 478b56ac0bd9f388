"""Controls: the oracle finds what must not be, each worst case of it."""

from __future__ import annotations

import pytest

from tests.faults.oracle import unequal
from tests.faults.truth import Bill
from usage.models import UsageRecord

TOLD = Bill(number=1000, cost_nanos=70, bound_nanos=100)
HIDDEN = Bill(1000, cost_nanos=70, bound_nanos=100, is_told=False, fault="hangs")


def record(kind: str, cost_nanos: int) -> UsageRecord:
    return UsageRecord(kind=kind, cost_nanos=cost_nanos)


@pytest.mark.parametrize(
    ("bill", "records"),
    [
        (TOLD, [record("actual", 70)]),
        (TOLD, [record("estimated", 100)]),
        (TOLD, [record("estimated", 100), record("correction", -30)]),
        (HIDDEN, [record("estimated", 100)]),
    ],
)
def test_what_is_right_is_not_complained_of(
    bill: Bill, records: list[UsageRecord]
) -> None:
    assert list(unequal(bill, records)) == []


@pytest.mark.parametrize(
    ("bill", "records"),
    [
        pytest.param(TOLD, [], id="lost"),
        pytest.param(TOLD, [record("actual", 70)] * 2, id="charged twice"),
        pytest.param(TOLD, [record("actual", 69)], id="a nano too little"),
        pytest.param(TOLD, [record("actual", 71)], id="a nano too much"),
        pytest.param(TOLD, [record("estimated", 60)], id="estimated below the bill"),
        pytest.param(HIDDEN, [record("actual", 70)], id="guessed and called actual"),
    ],
)
def test_control_the_oracle_sees_what_is_wrong(
    bill: Bill, records: list[UsageRecord]
) -> None:
    assert list(unequal(bill, records)) != []
