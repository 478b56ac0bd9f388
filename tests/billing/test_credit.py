"""Which credit pays: earliest expiry first, never more than there is."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from billing.credit import Grant, consume

grants = st.lists(st.integers(0, 10**12), max_size=5).map(
    lambda amounts: [Grant(number, amount) for number, amount in enumerate(amounts)]
)
costs = st.integers(0, 10**13)


def consumed(grants: list[Grant]) -> list[int]:
    return [grant.consumed_nanos for grant in grants]


def test_the_first_grant_pays_first() -> None:
    held = [Grant(1, 100), Grant(2, 100)]

    assert consume(held, 60) == 0
    assert consumed(held) == [60, 0]


def test_what_the_first_does_not_cover_the_next_pays() -> None:
    held = [Grant(1, 100), Grant(2, 100)]
    consume(held, 60)

    assert consume(held, 90) == 0
    assert consumed(held) == [100, 50]


def test_what_no_grant_covers_is_returned() -> None:
    held = [Grant(1, 100)]

    assert consume(held, 130) == 30
    assert consume(held, 5) == 5
    assert consume([], 7) == 7


def test_a_correction_downwards_gives_nothing_back() -> None:
    held = [Grant(1, 100, consumed_nanos=80)]

    assert consume(held, -50) == 0
    assert consumed(held) == [80]


@given(grants=grants, costs=st.lists(costs, max_size=6))
def test_nothing_is_lost_and_no_grant_is_overdrawn(
    grants: list[Grant], costs: list[int]
) -> None:
    uncovered = sum(consume(grants, cost) for cost in costs)

    assert sum(consumed(grants)) + uncovered == sum(costs)
    assert all(grant.left_nanos >= 0 for grant in grants)


@given(grants=grants, cost=costs)
def test_a_later_grant_pays_only_when_the_earlier_are_empty(
    grants: list[Grant], cost: int
) -> None:
    consume(grants, cost)

    for earlier, later in pairwise(grants):
        assert later.consumed_nanos == 0 or earlier.left_nanos == 0
