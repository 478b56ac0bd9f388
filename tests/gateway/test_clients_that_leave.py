"""A client that leaves does not stop the metering."""

from __future__ import annotations

import pytest

from tests import rig
from tests.gateway.conftest import House
from tests.gateway.streams import ask_for
from tests.gateway.test_hard_limit_under_concurrency import true_cost

pytestmark = pytest.mark.processes


def leave_after(house: House, chunks: int, ask: dict[str, object]) -> None:
    """Read so many chunks of a stream and hang up."""
    with house.client() as client:
        stream = client.chat.completions.create(**ask)  # type: ignore[call-overload]
        for _, _ in zip(range(chunks), stream, strict=False):
            pass
        stream.close()


@pytest.mark.parametrize("chunks", [1, 5, 19])
def test_the_provider_is_heard_to_the_end_and_charged_exactly(
    house: House, provider: rig.Provider, chunks: int
) -> None:
    before = len(provider.bills())
    # Twice as long as it is read: the client is gone well before it ends.
    leave_after(house, chunks, ask_for(40, 0.02))

    rig.wait_until(lambda: len(house.records()) == 1, what="nothing was booked")
    (record,) = house.records()
    assert record.outcome == "client_left"
    assert (record.kind, record.output_tokens) == ("actual", 40)
    assert record.cost_nanos == true_cost(provider.bills()[before:])
    assert house.holds() == []


def test_a_drain_that_takes_too_long_is_charged_at_the_bound(house: House) -> None:
    leave_after(house, 1, ask_for(400, 0.05))

    rig.wait_until(lambda: len(house.records()) == 1, what="nothing was booked")
    (record,) = house.records()
    assert (record.outcome, record.kind) == ("client_left", "estimated")
    assert record.cost_nanos == record.held_nanos
    assert house.holds() == []
