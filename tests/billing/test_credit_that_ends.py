"""Credit that expires or is voided still pays for what was held before, and no more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from billing.booking_types import Hold
from billing.funding import credit_left
from billing.limits import Binding
from billing.models import CreditGrant
from billing.models import Hold as HoldRow
from orgs.models import Organization
from tests.billing.books import amounts, book, grant, held, hold_of, settling

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def consumed(*grants: CreditGrant) -> list[int]:
    for each in grants:
        each.refresh_from_db()
    return [each.consumed_nanos for each in grants]


def made_earlier(hold: Hold) -> Hold:
    """Date an open hold back by two minutes."""
    earlier = datetime.now(UTC) - 2 * MINUTE
    HoldRow.objects.filter(event_id=hold.event_id).update(created_at=earlier)
    return hold


def expire(credit: CreditGrant) -> None:
    """Have credit expire a minute ago."""
    CreditGrant.objects.filter(pk=credit.pk).update(
        expires_at=datetime.now(UTC) - MINUTE
    )


def void(credit: CreditGrant) -> None:
    CreditGrant.objects.filter(pk=credit.pk).update(
        voided_at=datetime.now(UTC) - MINUTE, void_reason="a mistake"
    )


def refused(organization: Organization, nanos: int) -> Binding | None:
    hold = hold_of(organization, nanos)
    refusal = book(hold).refusals.get(hold.event_id)
    return refusal.binding if refusal else None


@pytest.mark.parametrize("end", [expire, void])
def test_credit_that_ends_during_a_request_pays_for_it(
    acme: Organization, end: Callable[[CreditGrant], None]
) -> None:
    credit = grant(acme, 100, days=10)
    hold = made_earlier(held(acme, 60))

    end(credit)
    book(settling(hold, 50))

    assert consumed(credit) == [50]
    assert amounts(acme) == (50, 0)


def test_control_by_the_clock_alone_nobody_would_pay(acme: Organization) -> None:
    credit = grant(acme, 100, days=10)
    hold = made_earlier(held(acme, 60))
    expire(credit)
    # As if the request had been held after the end.
    HoldRow.objects.update(created_at=datetime.now(UTC))

    book(settling(hold, 50))

    assert consumed(credit) == [0]


def test_credit_that_ended_pays_for_nothing_new(acme: Organization) -> None:
    credit = grant(acme, 100, days=10)
    made_earlier(held(acme, 60))
    expire(credit)

    assert refused(acme, 1) is Binding.CREDIT
    assert credit_left(acme, now=datetime.now(UTC)) == 60


def test_what_ended_backs_the_old_and_what_lives_the_new(acme: Organization) -> None:
    first, second = grant(acme, 100, days=10), grant(acme, 40, days=20)
    old = made_earlier(held(acme, 60))
    expire(first)

    assert refused(acme, 41) is Binding.CREDIT
    new = held(acme, 40)
    book(settling(old, 60), settling(new, 40))

    assert consumed(first, second) == [60, 40]


def test_a_batch_that_ends_the_old_leaves_no_room_by_it(acme: Organization) -> None:
    first = grant(acme, 100, days=10)
    grant(acme, 40, days=20)
    old = made_earlier(held(acme, 60))
    expire(first)
    new = hold_of(acme, 41)

    booked = book(settling(old, 10), new)

    assert set(booked.refusals) == {new.event_id}
    assert consumed(first) == [10]


def test_what_is_written_off_pays_for_nothing(acme: Organization) -> None:
    credit = grant(acme, 100, days=10)
    hold = made_earlier(held(acme, 60))
    expire(credit)
    CreditGrant.objects.update(written_off_at=datetime.now(UTC), written_off_nanos=100)

    book(settling(hold, 50))

    assert consumed(credit) == [0]


def test_credit_that_never_expires_pays_last(acme: Organization) -> None:
    forever = grant(acme, 100, days=10)
    CreditGrant.objects.update(expires_at=None)
    late, soon = grant(acme, 50, days=20), grant(acme, 50, days=10)

    book(settling(held(acme, 120), 120))

    assert consumed(forever, late, soon) == [20, 50, 50]


def test_of_credit_that_expires_together_the_lower_priority_pays_first(
    acme: Organization,
) -> None:
    usual, first = grant(acme, 50, days=10), grant(acme, 50, days=10)
    ends = datetime.now(UTC) + timedelta(days=10)
    CreditGrant.objects.update(expires_at=ends)
    CreditGrant.objects.filter(pk=first.pk).update(priority=10)

    book(settling(held(acme, 60), 60))

    assert consumed(usual, first) == [10, 50]
