"""A raise until a day is announced, reverts by itself, and never twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from billing.actions.funding import set_approved_limit
from billing.actions.quota import approve_request, request_increase
from billing.actions.raises import announce_ending_raises, revert_ended_raises
from billing.models import SpendLimits, TemporaryRaise
from orgs.models import Organization, OutboxMail, User
from tests.factories import NOW, usd

pytestmark = pytest.mark.django_db

LAST_DAY = date(2026, 11, 30)
END = datetime(2026, 12, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def raised(acme: Organization, ada: User, op: User) -> Organization:
    """Acme, whose limit of $120 is $500 until the end of November."""
    set_limit(acme, 120)
    grant(acme, ada, op, 500, LAST_DAY)
    return acme


def set_limit(organization: Organization, amount: int) -> None:
    set_approved_limit(
        organization=organization, amount_nanos=usd(amount), acting_user=None, now=NOW
    )


def grant(
    organization: Organization, ada: User, op: User, amount: int, until: date | None
) -> None:
    request = request_increase(
        organization=organization,
        amount_nanos=usd(amount),
        until=until,
        reason="A launch",
        acting_user=ada,
        now=NOW,
    )
    approve_request(
        request=request,
        amount_nanos=usd(amount),
        until=until,
        message="",
        acting_user=op,
        now=NOW,
    )


def limit_of(organization: Organization) -> int | None:
    return SpendLimits.objects.get(organization=organization).approved_limit_nanos


def mails(kind: str) -> list[str]:
    rows = OutboxMail.objects.filter(kind=kind)
    return list(rows.values_list("subject", flat=True))


def test_it_reverts_when_its_last_day_is_over(raised: Organization) -> None:
    assert limit_of(raised) == usd(500)
    assert revert_ended_raises(now=END - SECOND) == 0
    assert limit_of(raised) == usd(500)

    assert [revert_ended_raises(now=END) for _ in range(2)] == [1, 0]

    assert limit_of(raised) == usd(120)
    ended = "[Acme (Production)] The approved limit is $120.00 again"
    assert mails("raise_ended") == [ended]


def test_its_end_is_announced_two_days_before_once(raised: Organization) -> None:
    two_days = timedelta(days=2)
    assert announce_ending_raises(now=END - two_days - SECOND) == 0

    assert [announce_ending_raises(now=END - two_days) for _ in range(2)] == [1, 0]

    assert mails("raise_ending") == [
        "[Acme (Production)] The approved limit goes back to $120.00 on 1 December"
    ]


def test_what_the_operator_sets_meanwhile_stays(raised: Organization) -> None:
    set_limit(raised, 250)

    assert announce_ending_raises(now=END - SECOND) == 0
    assert revert_ended_raises(now=END) == 0
    assert limit_of(raised) == usd(250)
    assert TemporaryRaise.objects.get().ending == "superseded"


def test_a_second_raise_reverts_to_what_the_first_one_would(
    raised: Organization, ada: User, op: User
) -> None:
    grant(raised, ada, op, 900, LAST_DAY + timedelta(days=1))

    assert revert_ended_raises(now=END) == 0
    assert limit_of(raised) == usd(900)
    assert revert_ended_raises(now=END + timedelta(days=1)) == 1
    assert limit_of(raised) == usd(120)


def test_a_lasting_increase_below_the_raise_counts_after_it(
    raised: Organization, ada: User, op: User
) -> None:
    grant(raised, ada, op, 300, None)
    assert limit_of(raised) == usd(500)

    revert_ended_raises(now=END)

    assert limit_of(raised) == usd(300)


def test_a_lasting_increase_above_the_raise_ends_it(
    raised: Organization, ada: User, op: User
) -> None:
    grant(raised, ada, op, 800, None)

    assert revert_ended_raises(now=END) == 0
    assert limit_of(raised) == usd(800)
