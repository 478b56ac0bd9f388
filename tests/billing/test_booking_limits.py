"""A hold stands only where it fits; a refused one writes nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from billing.limits import Binding
from billing.models import BillingProfile, Budget, SpendLimits
from billing.models import Hold as HoldRow
from orgs.models import Organization
from tests.billing.books import (
    amounts,
    book,
    held,
    hold_of,
    limit,
    open_holds,
    records,
    settling,
)
from usage.models import UsageRecord

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(acme: Organization) -> Organization:
    """Acme with billing information, so that credit does not bind."""
    BillingProfile.objects.create(organization=acme, legal_name="Acme Inc")
    return acme


def test_a_refused_hold_writes_nothing(acme: Organization) -> None:
    limit(acme, 99)
    hold = hold_of(acme, 100)

    refusal = book(hold).refusals[hold.event_id]

    assert refusal.binding is Binding.HARD_LIMIT
    assert (refusal.limit_nanos, refusal.bound_nanos) == (99, 100)
    assert amounts(acme) == (0, 0)
    assert not HoldRow.objects.exists()
    assert not UsageRecord.objects.exists()


def test_the_limit_can_be_held_to_its_last_nano_dollar(acme: Organization) -> None:
    limit(acme, 100)
    held(acme, 60)
    held(acme, 40)

    assert book(hold_of(acme, 1)).refusals
    assert amounts(acme) == (0, 100)


def test_a_batch_is_decided_in_its_order_and_small_ones_still_fit(
    acme: Organization,
) -> None:
    limit(acme, 100)
    first, large, small, late = (hold_of(acme, n) for n in (60, 50, 40, 1))

    refusals = book(first, large, small, late).refusals

    assert set(refusals) == {large.event_id, late.event_id}
    assert refusals[large.event_id].held_nanos == 60
    assert refusals[late.event_id].held_nanos == 100
    assert open_holds(acme) == {first.event_id, small.event_id}


def test_what_a_batch_ends_makes_room_for_what_it_begins(acme: Organization) -> None:
    limit(acme, 100)
    released, settled = held(acme, 50), held(acme, 50)
    fitting, too_large = hold_of(acme, 80), hold_of(acme, 1)

    booked = book(fitting, too_large, settling(settled, 20), released.as_release())

    assert set(booked.refusals) == {too_large.event_id}
    assert amounts(acme) == (20, 80)


def test_a_limit_lowered_below_what_is_held_refuses_and_takes_nothing_back(
    acme: Organization,
) -> None:
    limit(acme, 100)
    hold = held(acme, 90)
    limit(acme, 50)

    assert book(hold_of(acme, 1)).refusals
    assert open_holds(acme) == {hold.event_id}

    book(settling(hold, 20))
    held(acme, 30)
    assert amounts(acme) == (20, 30)


def test_what_nobody_can_bound_is_held_only_without_a_limit(acme: Organization) -> None:
    free = hold_of(acme, None)
    assert book(free).refusals == {}
    assert amounts(acme) == (0, 0)
    assert open_holds(acme) == {free.event_id}

    limit(acme, 10**16)
    refused = hold_of(acme, None)
    assert refused.event_id in book(refused).refusals
    assert open_holds(acme) == {free.event_id}


def test_the_approved_limit_binds_as_well(acme: Organization) -> None:
    SpendLimits.objects.create(organization=acme, approved_limit_nanos=50)
    hold = hold_of(acme, 60)

    refusal = book(hold).refusals[hold.event_id]

    assert refusal.binding is Binding.APPROVED_LIMIT


def test_the_first_hold_of_a_cycle_makes_its_budget(acme: Organization) -> None:
    limit(acme, 100)
    october = held(acme, 100, at=datetime(2026, 10, 31, 23, 59, 59, 999000, tzinfo=UTC))
    held(acme, 100, at=datetime(2026, 11, 1, tzinfo=UTC))

    by_cycle = Budget.objects.order_by("cycle_start").values_list(
        "cycle_start", "held_nanos"
    )
    assert list(by_cycle) == [(date(2026, 10, 1), 100), (date(2026, 11, 1), 100)]
    book(settling(october, 70))
    assert Budget.objects.get(cycle_start=date(2026, 10, 1)).spent_nanos == 70
    assert records(acme)[0].cycle_start == date(2026, 10, 1)


def test_a_batch_of_two_organizations_keeps_them_apart(
    acme: Organization, globex: Organization
) -> None:
    BillingProfile.objects.create(organization=globex, legal_name="Globex")
    limit(acme, 10)
    rich, poor = hold_of(globex, 100), hold_of(acme, 100)

    refusals = book(poor, rich).refusals

    assert set(refusals) == {poor.event_id}
    assert (amounts(acme), amounts(globex)) == ((0, 0), (0, 100))


def test_an_empty_batch_changes_nothing(acme: Organization) -> None:
    assert book().refusals == {}
    assert amounts(acme) == (0, 0)
