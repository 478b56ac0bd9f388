"""One pure function decides, and says which limit binds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.limits import (
    Binding,
    Funding,
    Headroom,
    Refusal,
    ScopeFunding,
    decide,
    headroom,
)

amounts = st.integers(0, 10**16)
limits = st.none() | amounts
scopes = st.builds(
    ScopeFunding,
    binding=st.sampled_from([Binding.KEY_LIMIT, Binding.MEMBER_LIMIT]),
    name=st.just("laptop"),
    limit_nanos=amounts,
    spent_nanos=amounts,
    held_nanos=amounts,
)
fundings = st.builds(
    Funding,
    scopes=st.lists(scopes, max_size=2, unique_by=lambda scope: scope.binding).map(
        tuple
    ),
    hard_limit_nanos=limits,
    approved_limit_nanos=limits,
    credit_nanos=st.none() | st.integers(-(10**16), 10**16),
    spent_nanos=amounts,
    held_nanos=amounts,
)
bounds = st.integers(1, 10**16)


def funding(**given: Any) -> Funding:
    """Return a funding without limits but for those given."""
    nothing: dict[str, Any] = {
        "hard_limit_nanos": None,
        "approved_limit_nanos": None,
        "credit_nanos": None,
        "spent_nanos": 0,
        "held_nanos": 0,
    }
    return Funding(**nothing | given)


@given(funding=fundings, bound=bounds)
def test_what_fits_the_headroom_is_admitted_and_nothing_else(
    funding: Funding, bound: int
) -> None:
    room = headroom(funding).nanos

    assert (decide(funding, bound) is None) == (room is None or bound <= room)


@given(funding=fundings)
def test_the_headroom_itself_can_be_held_to_the_last_nano_dollar(
    funding: Funding,
) -> None:
    room = headroom(funding).nanos
    if room:
        assert decide(funding, room) is None
        assert decide(funding, room + 1) is not None


@given(funding=fundings, bound=bounds)
def test_no_limit_is_passed_by_what_is_admitted(funding: Funding, bound: int) -> None:
    if decide(funding, bound) is not None:
        return
    after = funding.spent_nanos + funding.held_nanos + bound
    for limit in (funding.hard_limit_nanos, funding.approved_limit_nanos):
        assert limit is None or after <= limit
    for scope in funding.scopes:
        assert scope.spent_nanos + scope.held_nanos + bound <= scope.limit_nanos
    if funding.credit_nanos is not None:
        assert funding.held_nanos + bound <= funding.credit_nanos


@given(funding=fundings, bound=bounds)
def test_the_limit_that_is_named_leaves_the_least(funding: Funding, bound: int) -> None:
    left = {room.binding: room.left_nanos for room in funding.rooms()}
    refusal = decide(funding, bound)

    if refusal is not None:
        assert left[refusal.binding] == min(left.values()) < bound
        assert refusal.left_nanos == left[refusal.binding]
        assert headroom(funding).binding is refusal.binding


@given(funding=fundings)
def test_what_costs_nothing_needs_no_room(funding: Funding) -> None:
    assert decide(funding, 0) is None


@given(funding=fundings)
def test_a_request_that_nobody_can_bound_fits_no_limit(funding: Funding) -> None:
    is_limited = any(True for _ in funding.rooms())

    assert (decide(funding, None) is not None) == is_limited


def test_without_a_limit_everything_fits() -> None:
    assert decide(funding(spent_nanos=10**15), 10**15) is None
    assert headroom(funding()) == Headroom(None, None)


@pytest.mark.parametrize(
    ("given_limit", "binding"),
    [
        ({"hard_limit_nanos": 100}, Binding.HARD_LIMIT),
        ({"approved_limit_nanos": 100}, Binding.APPROVED_LIMIT),
    ],
)
def test_a_limit_counts_what_is_spent_and_what_is_held(
    given_limit: dict[str, int], binding: Binding
) -> None:
    state = funding(**given_limit, spent_nanos=60, held_nanos=30)

    assert headroom(state) == Headroom(10, binding)
    assert decide(state, 10) is None
    assert decide(state, 11) == Refusal(binding, 100, 60, 30, 11, left_nanos=10)


def test_credit_counts_what_is_held_only_for_it_is_consumed_by_spending() -> None:
    state = funding(credit_nanos=100, spent_nanos=60, held_nanos=30)

    assert headroom(state) == Headroom(70, Binding.CREDIT)


def test_a_limit_of_zero_admits_nothing() -> None:
    refusal = decide(funding(hard_limit_nanos=0), 1)

    assert refusal is not None
    assert refusal.can_never_fit


def test_a_limit_below_the_spending_leaves_nothing() -> None:
    state = funding(hard_limit_nanos=50, spent_nanos=60)

    assert headroom(state) == Headroom(0, Binding.HARD_LIMIT)
    assert decide(state, 1) is not None


def test_where_two_leave_the_same_the_owners_own_limit_is_named() -> None:
    state = funding(hard_limit_nanos=50, approved_limit_nanos=50, credit_nanos=50)

    assert headroom(state).binding is Binding.HARD_LIMIT


def test_only_a_bound_beyond_the_whole_limit_can_never_fit() -> None:
    state = funding(hard_limit_nanos=100, spent_nanos=60)
    fitting, too_large = decide(state, 100), decide(state, 101)

    assert fitting is not None
    assert too_large is not None
    assert (fitting.can_never_fit, too_large.can_never_fit) == (False, True)


def scope(binding: Binding, limit_nanos: int, **given: int) -> ScopeFunding:
    nothing = {"spent_nanos": 0, "held_nanos": 0}
    return ScopeFunding(binding, "laptop", limit_nanos, **nothing | given)


def test_a_key_is_refused_by_what_it_spent_itself() -> None:
    key = scope(Binding.KEY_LIMIT, 50, spent_nanos=30, held_nanos=15)
    state = funding(hard_limit_nanos=100, spent_nanos=40, held_nanos=20, scopes=(key,))

    assert decide(state, 5) is None
    assert decide(state, 6) == Refusal(
        Binding.KEY_LIMIT, 50, 30, 15, 6, left_nanos=5, scope_name="laptop"
    )


def test_a_limit_of_the_organization_names_no_key() -> None:
    key = scope(Binding.KEY_LIMIT, 50)
    refusal = decide(funding(hard_limit_nanos=10, scopes=(key,)), 20)

    assert refusal is not None
    assert (refusal.binding, refusal.scope_name) == (Binding.HARD_LIMIT, "")


def test_where_key_member_and_organization_leave_the_same_the_key_is_named() -> None:
    key = scope(Binding.KEY_LIMIT, 50)
    member = scope(Binding.MEMBER_LIMIT, 50)

    both = funding(hard_limit_nanos=50, scopes=(key, member))
    one = funding(hard_limit_nanos=50, scopes=(member,))

    assert headroom(both).binding is Binding.KEY_LIMIT
    assert headroom(one).binding is Binding.MEMBER_LIMIT
