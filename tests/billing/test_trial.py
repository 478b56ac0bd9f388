"""A person has one trial; when it is over, they still see everything."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone

from billing.actions.organizations import delete_organization, found_organization
from billing.limits import Binding
from billing.models import CreditGrant
from orgs.models import Environment, Organization, User
from tests.billing.books import book, hold_of
from tests.factories import NOW
from tests.visits import browser_of, log_in

pytestmark = pytest.mark.django_db

PAGES = ("overview", "usage", "usage/records", "limits", "limits/increase", "billing")


def found(user: User, name: str = "Acme") -> Organization:
    return found_organization(
        name=name,
        environment=Environment.PRODUCTION,
        founder=user,
        with_sibling=False,
        now=NOW,
    )


def trials() -> int:
    return CreditGrant.objects.filter(kind="trial").count()


def test_founding_again_after_deleting_brings_no_second_trial(ada: User) -> None:
    for _ in range(3):
        organization = found(ada)
        delete_organization(organization=organization, acting_user=ada, now=NOW)

    found(ada)

    assert trials() == 1


def test_another_address_on_the_same_account_brings_no_second_trial(
    ada: User,
) -> None:
    found(ada)
    EmailAddress.objects.filter(user=ada).update(email="ada@elsewhere.example")
    ada.email = "ada@elsewhere.example"
    ada.save(update_fields=["email"])

    found(ada, "Other")

    assert trials() == 1


def test_control_another_person_has_a_trial_of_their_own(
    ada: User, oscar: User
) -> None:
    found(ada)
    found(oscar, "Other")

    assert trials() == 2


@pytest.mark.parametrize("end", ["used up", "expired"])
def test_when_it_is_over_people_log_in_and_see_everything_and_spend_nothing(
    ada: User, end: str
) -> None:
    organization = found(ada)
    trial = CreditGrant.objects.get()
    trial.effective_at = timezone.now() - timedelta(days=90)
    trial.expires_at = timezone.now() + timedelta(days=1)
    if end == "used up":
        trial.consumed_nanos = trial.amount_nanos
    else:
        trial.expires_at = timezone.now() - timedelta(seconds=1)
    trial.save()
    browser = browser_of(None)
    log_in(browser, ada)

    for page in PAGES:
        answer = browser.get(f"/o/{organization.slug}/{page}")
        assert answer.status_code == 200, page
    hold = hold_of(organization, 1)
    assert book(hold).refusals[hold.event_id].binding is Binding.CREDIT
    overview = browser.get(f"/o/{organization.slug}/overview").content.decode()
    assert "The credit is used up or expired" in overview
    assert "Enter billing information" in overview
