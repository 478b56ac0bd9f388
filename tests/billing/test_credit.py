"""Which credit pays: earliest expiry first, never more than there is."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from billing.credit import Grant, backing_nanos, consume, in_order
from tests.factories import NOW

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


def test_what_ended_backs_what_was_held_before_and_no_more() -> None:
    ended = Grant(1, 100, ends_at=NOW, is_live=False, held_before_nanos=30)

    assert backing_nanos([ended, Grant(2, 40)]) == 70

    ended.release(NOW - timedelta(seconds=1), 20)
    ended.release(NOW, 5)
    assert backing_nanos([ended]) == 10


def test_two_that_ended_do_not_back_the_same_hold() -> None:
    first = Grant(1, 20, ends_at=NOW, is_live=False, held_before_nanos=30)
    second = Grant(2, 100, ends_at=NOW, is_live=False, held_before_nanos=30)

    assert backing_nanos([first, second]) == 30


@given(
    facts=st.lists(
        st.tuples(st.none() | st.integers(0, 5), st.integers(0, 3)), max_size=6
    )
)
def test_the_order_is_by_expiry_then_priority_then_age(
    facts: list[tuple[int | None, int]],
) -> None:
    grants = [
        Grant(number, 1, None if days is None else NOW + timedelta(days), priority)
        for number, (days, priority) in enumerate(facts)
    ]

    for earlier, later in pairwise(in_order(grants)):
        assert later.expires_at is None or earlier.expires_at is not None
        if earlier.expires_at and later.expires_at:
            assert earlier.expires_at <= later.expires_at
        if earlier.expires_at == later.expires_at:
            assert (earlier.priority, earlier.grant_id) < (
                later.priority,
                later.grant_id,
            )
