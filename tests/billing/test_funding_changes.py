"""Credit, billing information and the approved limit, and what each opens."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pytest_django import Settings

from billing.actions.funding import (
    enter_billing_profile,
    grant_trial_credit,
    months_later,
    set_approved_limit,
)
from billing.models import BillingProfile, CreditGrant, SpendLimits
from orgs.models import AuditEvent, Organization, Role, User
from tests.factories import NOW, join, make_organization, usd

pytestmark = pytest.mark.django_db


def test_billing_information_opens_the_default_approved_limit(
    acme: Organization, ada: User
) -> None:
    enter_billing_profile(
        organization=acme, legal_name="Acme Inc.", acting_user=ada, now=NOW
    )
    assert SpendLimits.objects.get().approved_limit_nanos == usd(120)
    assert BillingProfile.objects.get().legal_name == "Acme Inc."
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert actions == {"billing_profile.updated", "approved_limit.updated"}


def test_an_approved_limit_that_is_there_stays(acme: Organization) -> None:
    set_approved_limit(
        organization=acme, amount_nanos=usd(900), acting_user=None, now=NOW
    )
    enter_billing_profile(
        organization=acme, legal_name="Acme", acting_user=None, now=NOW
    )
    assert SpendLimits.objects.get().approved_limit_nanos == usd(900)


def test_a_staging_organization_gets_no_approved_limit(
    acme_staging: Organization,
) -> None:
    enter_billing_profile(
        organization=acme_staging, legal_name="Acme", acting_user=None, now=NOW
    )
    assert SpendLimits.objects.get().approved_limit_nanos is None


def test_repeating_records_nothing(acme: Organization) -> None:
    for _ in range(2):
        enter_billing_profile(
            organization=acme, legal_name="Acme", acting_user=None, now=NOW
        )
    assert AuditEvent.objects.count() == 2


def test_a_first_organization_gets_trial_credit_for_three_months(
    acme: Organization, ada: User
) -> None:
    grant = grant_trial_credit(organization=acme, acting_user=ada, now=NOW)
    assert grant is not None
    assert (grant.amount_nanos, grant.trial_of) == (usd(5), ada)
    assert grant.expires_at == datetime(2027, 2, 23, 12, tzinfo=UTC)


def test_a_person_has_one_trial_whatever_they_own(
    acme: Organization, ada: User
) -> None:
    second = make_organization("Second")
    join(ada, second, Role.OWNER)
    for organization in (acme, second, acme):
        grant_trial_credit(organization=organization, acting_user=ada, now=NOW)
    assert CreditGrant.objects.get().organization == acme


def test_a_new_owner_brings_no_second_trial(
    acme: Organization, ada: User, oscar: User
) -> None:
    grant_trial_credit(organization=acme, acting_user=ada, now=NOW)
    join(oscar, acme, Role.OWNER)
    assert grant_trial_credit(organization=acme, acting_user=ada, now=NOW) is None
    assert CreditGrant.objects.count() == 1


def test_staging_gets_no_trial_credit(acme_staging: Organization) -> None:
    granted = grant_trial_credit(organization=acme_staging, acting_user=None, now=NOW)
    assert granted is None
    assert not CreditGrant.objects.exists()


def test_trial_credit_can_be_turned_off(acme: Organization, settings: Settings) -> None:
    settings.TRIAL_CREDIT_USD = Decimal(0)
    assert grant_trial_credit(organization=acme, acting_user=None, now=NOW) is None


@pytest.mark.parametrize(
    ("months", "expected"),
    [(1, (2027, 2, 28)), (13, (2028, 2, 29)), (11, (2027, 12, 31))],
)
def test_a_month_later_keeps_to_the_month(
    months: int, expected: tuple[int, int, int]
) -> None:
    later = months_later(datetime(2027, 1, 31, 9, tzinfo=UTC), months)
    assert later == datetime(*expected, 9, tzinfo=UTC)
