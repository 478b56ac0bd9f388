"""A hold ends in one charge or one release; repeating anything changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from billing.actions.sweep import find_orphans
from billing.models import BillingProfile, Budget
from billing.models import Hold as HoldRow
from orgs.models import Organization
from tests.billing.books import (
    amounts,
    book,
    held,
    hold_of,
    open_holds,
    records,
    settling,
    sweeping,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(acme: Organization) -> Organization:
    """Acme with billing information, so that credit does not bind."""
    BillingProfile.objects.create(organization=acme, legal_name="Acme Inc")
    return acme


def test_a_hold_sets_its_bound_aside(acme: Organization) -> None:
    hold = held(acme, 100)

    assert amounts(acme) == (0, 100)
    row = HoldRow.objects.get()
    assert (row.event_id, row.bound_nanos) == (hold.event_id, 100)
    assert row.budget_id == Budget.objects.get().pk
    # By Postgres' clock, whatever the gateway's says.
    assert abs(row.created_at - timezone.now()) < timedelta(minutes=5)


def test_a_settlement_turns_the_hold_into_its_cost(acme: Organization) -> None:
    hold = held(acme, 100)

    book(settling(hold, 30))

    assert amounts(acme) == (30, 0)
    (record,) = records(acme)
    assert (record.event_id, record.kind) == (hold.event_id, "actual")
    assert (record.cost_nanos, record.held_nanos) == (30, 100)
    assert (record.input_tokens, record.output_tokens) == (3, 2)
    assert open_holds(acme) == set()


def test_a_release_gives_the_hold_back(acme: Organization) -> None:
    hold = held(acme, 100)

    book(hold.as_release())

    assert amounts(acme) == (0, 0)
    assert (records(acme), open_holds(acme)) == ([], set())


def test_a_cost_above_the_bound_is_booked_in_full(acme: Organization) -> None:
    hold = held(acme, 100)

    book(settling(hold, 130))

    assert amounts(acme) == (130, 0)


def test_settling_twice_charges_once(acme: Organization) -> None:
    hold = held(acme, 100)

    book(settling(hold, 30))
    book(settling(hold, 30))

    assert amounts(acme) == (30, 0)
    assert len(records(acme)) == 1


def test_settling_twice_in_one_batch_charges_once(acme: Organization) -> None:
    hold = held(acme, 100)

    book(settling(hold, 30), settling(hold, 30))

    assert amounts(acme) == (30, 0)
    assert len(records(acme)) == 1


def test_releasing_twice_gives_back_once(acme: Organization) -> None:
    hold, other = held(acme, 100), held(acme, 50)

    book(hold.as_release(), hold.as_release())
    book(hold.as_release())

    assert amounts(acme) == (0, 50)
    assert open_holds(acme) == {other.event_id}


def test_a_release_after_the_settlement_changes_nothing(acme: Organization) -> None:
    hold = held(acme, 100)
    book(settling(hold, 30))

    book(hold.as_release())

    assert amounts(acme) == (30, 0)
    assert len(records(acme)) == 1


def test_a_release_of_a_hold_that_never_was_changes_nothing(acme: Organization) -> None:
    book(hold_of(acme, 100).as_release())

    assert amounts(acme) == (0, 0)


def test_a_settlement_without_any_trace_is_recorded(acme: Organization) -> None:
    """Usage is never lost, not even if its hold was released before."""
    hold = hold_of(acme, 100)

    book(settling(hold, 30))
    book(settling(hold, 30))

    assert amounts(acme) == (30, 0)
    (record,) = records(acme)
    assert (record.kind, record.cost_nanos) == ("actual", 30)


def test_the_truth_after_the_sweep_is_booked_as_the_difference(
    acme: Organization,
) -> None:
    hold = held(acme, 100)
    book(sweeping(hold))
    assert amounts(acme) == (100, 0)

    booked = book(settling(hold, 30))

    assert booked.corrected == 1
    assert amounts(acme) == (30, 0)
    estimate, correction = records(acme)
    assert (estimate.kind, estimate.cost_nanos) == ("estimated", 100)
    assert (correction.kind, correction.cost_nanos) == ("correction", -70)
    assert correction.corrects == estimate.event_id
    assert correction.occurred_at == estimate.occurred_at


def test_the_truth_can_be_dearer_than_the_sweep_thought(acme: Organization) -> None:
    hold = held(acme, 100)
    book(sweeping(hold))

    book(settling(hold, 130))

    assert amounts(acme) == (130, 0)
    assert records(acme)[1].cost_nanos == 30


def test_a_correction_is_booked_once(acme: Organization) -> None:
    hold = held(acme, 100)
    book(sweeping(hold))

    book(settling(hold, 30), settling(hold, 30))
    book(settling(hold, 30))

    assert amounts(acme) == (30, 0)
    assert [record.cost_nanos for record in records(acme)] == [100, -70]


def test_a_charge_of_the_sweep_for_what_was_never_sent_is_taken_back(
    acme: Organization,
) -> None:
    hold = held(acme, 100)
    book(sweeping(hold))
    nothing = replace(settling(hold, 0), only_if_estimated=True)

    book(hold.as_release(), nothing)
    book(nothing)

    assert amounts(acme) == (0, 0)
    assert [record.cost_nanos for record in records(acme)] == [100, -100]


def test_what_was_never_sent_leaves_nothing_where_it_was_released(
    acme: Organization,
) -> None:
    hold = held(acme, 100)

    book(hold.as_release())
    book(replace(settling(hold, 0), only_if_estimated=True))

    assert amounts(acme) == (0, 0)
    assert records(acme) == []


def test_the_sweep_after_the_settlement_changes_nothing(acme: Organization) -> None:
    hold = held(acme, 100)
    book(settling(hold, 30))

    book(sweeping(hold))

    assert amounts(acme) == (30, 0)
    assert len(records(acme)) == 1


def test_sweeping_twice_charges_once(acme: Organization) -> None:
    hold = held(acme, 100)

    book(sweeping(hold), sweeping(hold))
    book(sweeping(hold))

    assert amounts(acme) == (100, 0)
    assert len(records(acme)) == 1


def test_the_sweep_does_not_charge_what_was_released_since_it_looked(
    acme: Organization,
) -> None:
    hold = held(acme, 100)
    orphans = find_orphans(dead_after_s=0, batch_max=10)
    assert [orphan.event_id for orphan in orphans] == [hold.event_id]

    book(hold.as_release())
    book(*orphans)

    assert amounts(acme) == (0, 0)
    assert records(acme) == []
