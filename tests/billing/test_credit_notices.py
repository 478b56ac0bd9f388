"""Owners hear of credit that ends: 14, 3 and 0 days ahead, and when little is left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from billing.actions.credit import CreditWish, grant_credit
from billing.actions.credit_notices import warn_of_credit_that_ends
from billing.actions.funding import enter_billing_profile, grant_trial_credit
from billing.models import CreditGrant, CreditNotice
from orgs.models import Organization, OutboxMail, User
from tests.concurrency.threads import all_at_once
from tests.factories import NOW, refuse_mail, usd

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def trial(acme: Organization, ada: User) -> CreditGrant:
    """Acme's trial: $5 that expire on 23 February."""
    granted = grant_trial_credit(organization=acme, acting_user=ada, now=NOW)
    assert granted is not None
    return granted


def subjects() -> list[str]:
    rows = OutboxMail.objects.filter(kind__startswith="credit_").order_by("pk")
    return list(rows.values_list("subject", flat=True))


def use_up(credit: CreditGrant, cents: int) -> None:
    CreditGrant.objects.filter(pk=credit.pk).update(consumed_nanos=usd(cents) // 100)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("days", "said"),
    [
        (14, "[Acme (Production)] Credit of $5.00 expires on 23 February"),
        (3, "[Acme (Production)] Credit of $5.00 expires on 23 February"),
        (0, "[Acme (Production)] Credit of $5.00 has expired"),
    ],
)
def test_owners_are_told_once_on_each_day(
    trial: CreditGrant, days: int, said: str
) -> None:
    assert trial.expires_at is not None
    at = trial.expires_at - days * DAY

    assert [warn_of_credit_that_ends(now=at + n * SECOND) for n in range(2)] == [1, 0]

    assert subjects() == [said]


@pytest.mark.django_db
def test_no_day_is_told_too_early(trial: CreditGrant) -> None:
    assert trial.expires_at is not None
    told = [
        warn_of_credit_that_ends(now=trial.expires_at - days * DAY - SECOND)
        for days in (14, 3, 0)
    ]

    # A second before the third day it is still the stage of the fourteenth.
    assert told == [0, 1, 1]
    assert CreditNotice.objects.filter(stage="days_0").count() == 0


@pytest.mark.django_db
def test_at_a_fifth_left_owners_are_told_once(trial: CreditGrant) -> None:
    use_up(trial, 399)
    assert warn_of_credit_that_ends(now=NOW + DAY) == 0

    use_up(trial, 400)
    assert [warn_of_credit_that_ends(now=NOW + DAY) for _ in range(2)] == [1, 0]

    assert subjects() == ["[Acme (Production)] $1.00 of the credit of $5.00 are left"]
    body = OutboxMail.objects.latest("pk").body_text
    assert "credit_balance_exhausted" in body
    assert "/o/acme/billing" in body


@pytest.mark.django_db
def test_with_billing_information_little_left_is_no_news_and_expiry_is_calmer(
    trial: CreditGrant, acme: Organization, ada: User
) -> None:
    enter_billing_profile(
        organization=acme, legal_name="Acme", acting_user=ada, now=NOW
    )
    use_up(trial, 450)
    assert warn_of_credit_that_ends(now=NOW + DAY) == 0

    assert trial.expires_at is not None
    warn_of_credit_that_ends(now=trial.expires_at - 3 * DAY)

    assert "Traffic continues" in OutboxMail.objects.latest("pk").body_text


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["used up", "voided", "forever"])
def test_of_what_does_not_expire_nothing_is_told(
    trial: CreditGrant, state: str
) -> None:
    expires_at = trial.expires_at
    assert expires_at is not None
    CreditNotice.objects.create(
        organization=trial.organization, grant=trial, stage="low", created_at=NOW
    )
    changes: dict[str, dict[str, Any]] = {
        "used up": {"consumed_nanos": usd(5)},
        "voided": {"voided_at": NOW, "void_reason": "x"},
        "forever": {"expires_at": None},
    }
    CreditGrant.objects.update(**changes[state])

    assert warn_of_credit_that_ends(now=expires_at) == 0
    assert subjects() == []


@pytest.mark.django_db
def test_credit_given_for_a_week_is_not_announced_two_weeks_ahead(
    acme: Organization, op: User
) -> None:
    wish = CreditWish(
        name="A week",
        kind="goodwill",
        amount_nanos=usd(9),
        effective_at=NOW,
        expires_at=NOW + 7 * DAY,
    )
    grant_credit(organization=acme, wish=wish, acting_user=op, now=NOW)

    assert warn_of_credit_that_ends(now=NOW + SECOND) == 0
    assert warn_of_credit_that_ends(now=NOW + 4 * DAY) == 1


@pytest.mark.usefixtures("committed_db")
def test_of_two_workers_at_once_one_tells(acme: Organization, ada: User) -> None:
    granted = grant_trial_credit(organization=acme, acting_user=ada, now=NOW)
    assert granted is not None
    assert granted.expires_at is not None
    at = granted.expires_at - 3 * DAY

    told = all_at_once([lambda: warn_of_credit_that_ends(now=at)] * 4)

    assert sum(told) == 1
    assert len(subjects()) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(("days", "told"), [(14, 0), (0, 1)])
def test_who_does_without_them_hears_only_when_nothing_pays_any_more(
    trial: CreditGrant, acme: Organization, ada: User, days: int, told: int
) -> None:
    assert trial.expires_at is not None
    refuse_mail(ada, acme, "credit_notice")

    warn_of_credit_that_ends(now=trial.expires_at - days * DAY)

    assert len(subjects()) == told


@pytest.mark.django_db
def test_where_a_bill_pays_too_the_end_of_credit_can_be_done_without(
    trial: CreditGrant, acme: Organization, ada: User
) -> None:
    enter_billing_profile(organization=acme, legal_name="A", acting_user=ada, now=NOW)
    refuse_mail(ada, acme, "credit_notice")
    assert trial.expires_at is not None

    assert warn_of_credit_that_ends(now=trial.expires_at) == 1

    assert subjects() == []
