"""Whatever a provider does: exact where it told, an estimate and named where not."""

from __future__ import annotations

import pytest

from tests import rig
from tests.faults.matrix.conftest import Links, ask, bills_of
from tests.gateway.conftest import House
from tests.gateway.test_hard_limit_under_concurrency import true_cost
from tests.provider_faults import FAULTS

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_misbehaving_provider_is_charged_what_it_told_or_the_bound(
    house: House, provider: rig.Provider, fault: str, streamed: bool
) -> None:
    with bills_of(provider) as bills:
        ask_anyway(house, fault=fault, stream=streamed)
        rig.wait_until(lambda: len(house.records()) == 1, what="it is not settled")

    (record,), (bill,) = house.records(), bills
    due = true_cost(bills) if bill["usage"] else 0
    if bill["told"]:
        assert (record.kind, record.cost_nanos) == ("actual", due)
    else:
        assert (record.kind, record.cost_nanos) == ("estimated", record.held_nanos)
    assert record.cost_nanos >= due
    assert (house.budget().spent_nanos, house.holds()) == (record.cost_nanos, [])


def ask_anyway(house: House, *, fault: str, stream: bool) -> None:
    """Ask; an answer that breaks off is one too."""
    ask(house, fault=fault, stream=stream)


def test_every_fault_of_the_provider_is_of_one_kind(links: Links) -> None:
    assert {fault.is_told for fault in FAULTS.values()} == {True, False}
    assert len(FAULTS) > 15
