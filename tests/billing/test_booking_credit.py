"""Without billing information credit is all there is, and it is spent once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from billing.limits import Binding
from billing.models import BillingProfile, CreditGrant
from core.periods import cycle_interval, cycle_of
from orgs.models import Environment, Organization
from tests import factories
from tests.billing.books import (
    amounts,
    book,
    grant,
    held,
    hold_of,
    limit,
    settling,
    sweeping,
)

pytestmark = pytest.mark.django_db


def consumed() -> list[int]:
    """Return what each grant paid, earliest expiry first."""
    grants = CreditGrant.objects.order_by("expires_at")
    return list(grants.values_list("consumed_nanos", flat=True))


def spend(organization: Organization, nanos: int) -> None:
    book(settling(held(organization, nanos), nanos))


def refused(organization: Organization, nanos: int) -> Binding | None:
    hold = hold_of(organization, nanos)
    refusal = book(hold).refusals.get(hold.event_id)
    return refusal.binding if refusal else None


def test_without_credit_nothing_is_held(acme: Organization) -> None:
    assert refused(acme, 1) is Binding.CREDIT
    assert amounts(acme) == (0, 0)


def test_credit_is_held_to_its_last_nano_dollar(acme: Organization) -> None:
    grant(acme, 100, days=10)
    held(acme, 60)

    assert refused(acme, 41) is Binding.CREDIT
    held(acme, 40)
    assert consumed() == [0]


def test_spending_consumes_the_grant_that_expires_first(acme: Organization) -> None:
    grant(acme, 100, days=20)
    grant(acme, 50, days=10)

    spend(acme, 30)
    assert consumed() == [30, 0]

    spend(acme, 40)
    assert consumed() == [50, 20]
    assert refused(acme, 81) is Binding.CREDIT
    spend(acme, 80)
    assert consumed() == [50, 100]


def test_several_settlements_of_a_batch_consume_in_turn(acme: Organization) -> None:
    grant(acme, 50, days=10)
    grant(acme, 50, days=20)
    first, second = held(acme, 50), held(acme, 50)

    book(settling(first, 40), settling(second, 40))

    assert consumed() == [50, 30]
    assert amounts(acme) == (80, 0)


def test_no_grant_is_consumed_beyond_its_amount(acme: Organization) -> None:
    grant(acme, 100, days=10)
    hold = held(acme, 100)

    book(settling(hold, 130))

    assert consumed() == [100]
    assert amounts(acme) == (130, 0)
    assert refused(acme, 1) is Binding.CREDIT


def test_credit_that_expired_or_has_not_begun_does_not_count(
    acme: Organization,
) -> None:
    grant(acme, 100, days=-1)
    grant(acme, 100, days=40, begins=10)

    assert refused(acme, 1) is Binding.CREDIT
    assert consumed() == [0, 0]


def test_consumed_credit_stays_consumed_when_a_charge_is_corrected(
    acme: Organization,
) -> None:
    grant(acme, 100, days=10)
    hold = held(acme, 80)
    book(sweeping(hold))
    assert consumed() == [80]

    book(settling(hold, 30))

    assert consumed() == [80]
    assert amounts(acme) == (30, 0)


def test_two_cycles_do_not_spend_the_same_credit(acme: Organization) -> None:
    """Around midnight of a month two budgets hold at once."""
    grant(acme, 100, days=60)
    this_cycle = cycle_interval(cycle_of(datetime.now(UTC)))
    held(acme, 70, at=this_cycle.start)

    late = hold_of(acme, 40, at=this_cycle.end)

    assert late.event_id in book(late).refusals
    held(acme, 30, at=this_cycle.end)


def test_two_cycles_of_one_batch_do_not_spend_the_same_credit(
    acme: Organization,
) -> None:
    grant(acme, 100, days=60)
    this_cycle = cycle_interval(cycle_of(datetime.now(UTC)))
    early = hold_of(acme, 70, at=this_cycle.start)
    late = hold_of(acme, 40, at=this_cycle.end)

    assert set(book(early, late).refusals) == {late.event_id}


def test_with_billing_information_credit_pays_but_does_not_bind(
    acme: Organization,
) -> None:
    BillingProfile.objects.create(organization=acme, legal_name="Acme Inc")
    grant(acme, 50, days=10)

    spend(acme, 80)

    assert consumed() == [50]
    assert amounts(acme) == (80, 0)


def test_staging_needs_no_credit() -> None:
    lab = factories.make_organization("Lab", environment=Environment.STAGING)

    spend(lab, 80)

    assert amounts(lab) == (80, 0)


def test_the_hard_limit_binds_beside_the_credit(acme: Organization) -> None:
    grant(acme, 100, days=10)
    limit(acme, 50)

    assert refused(acme, 60) is Binding.HARD_LIMIT
    limit(acme, 500)
    assert refused(acme, 160) is Binding.CREDIT
