"""Owners set the hard limit and soft limits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.actions.limits import (
    SOFT_LIMITS_MAX,
    SoftLimitExists,
    TooManySoftLimits,
    add_soft_limit,
    remove_soft_limit,
    set_hard_limit,
)
from billing.models import SoftLimit, SpendLimits
from orgs.models import AuditEvent, Organization, User
from tests.factories import NOW, usd

pytestmark = pytest.mark.django_db


def set_hard(acme: Organization, ada: User, amount: int | None) -> None:
    set_hard_limit(organization=acme, amount_nanos=amount, acting_user=ada, now=NOW)


def add_soft(acme: Organization, ada: User, amount: int) -> SoftLimit:
    return add_soft_limit(
        organization=acme, amount_nanos=amount, acting_user=ada, now=NOW
    )


def test_it_sets_the_hard_limit_and_records_who_did(
    acme: Organization, ada: User
) -> None:
    set_hard(acme, ada, usd(50))

    limits = SpendLimits.objects.get(organization=acme)
    assert (limits.hard_limit_nanos, limits.updated_by) == (usd(50), ada)
    event = AuditEvent.objects.get(action="spend_limit.updated")
    assert (event.actor, event.organization) == (ada, acme)
    assert event.details == {
        "before": {"hard_limit_nanos": None},
        "after": {"hard_limit_nanos": usd(50)},
    }


def test_zero_is_a_limit_and_none_is_not(acme: Organization, ada: User) -> None:
    set_hard(acme, ada, 0)
    assert SpendLimits.objects.get().hard_limit_nanos == 0

    set_hard(acme, ada, None)
    assert SpendLimits.objects.get().hard_limit_nanos is None


def test_the_same_amount_again_records_nothing(acme: Organization, ada: User) -> None:
    set_hard(acme, ada, usd(50))
    set_hard_limit(
        organization=acme,
        amount_nanos=usd(50),
        acting_user=None,
        now=NOW + timedelta(days=1),
    )

    assert AuditEvent.objects.count() == 1
    assert SpendLimits.objects.get().updated_by == ada


def test_the_approved_limit_stays_as_it_is(acme: Organization, ada: User) -> None:
    SpendLimits.objects.create(organization=acme, approved_limit_nanos=usd(120))

    set_hard(acme, ada, usd(500))

    assert SpendLimits.objects.get().approved_limit_nanos == usd(120)


def test_a_soft_limit_is_added_and_removed_once(acme: Organization, ada: User) -> None:
    soft_limit = add_soft(acme, ada, usd(10))
    for _ in range(2):
        remove_soft_limit(soft_limit=soft_limit, acting_user=ada, now=NOW)

    assert not SoftLimit.objects.exists()
    assert [event.action for event in AuditEvent.objects.order_by("pk")] == [
        "spend_alert.created",
        "spend_alert.deleted",
    ]


def test_the_same_soft_limit_twice_is_refused(acme: Organization, ada: User) -> None:
    add_soft(acme, ada, usd(10))

    with pytest.raises(SoftLimitExists):
        add_soft(acme, ada, usd(10))

    assert SoftLimit.objects.count() == AuditEvent.objects.count() == 1


def test_there_are_only_so_many_soft_limits(acme: Organization, ada: User) -> None:
    for amount in range(1, SOFT_LIMITS_MAX + 1):
        add_soft(acme, ada, usd(amount))

    with pytest.raises(TooManySoftLimits):
        add_soft(acme, ada, usd(999))

    assert SoftLimit.objects.count() == SOFT_LIMITS_MAX
