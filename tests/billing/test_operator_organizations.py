"""The operator finds organizations, and sees what each may spend."""

from __future__ import annotations

import pytest
from django.utils import timezone

from billing.models import Budget, SpendLimits
from billing.operator_queries import ROWS_PER_PAGE
from core.periods import cycle_of
from orgs.models import Organization, User
from tests import factories
from tests.factories import usd
from tests.visits import browser_of

pytestmark = pytest.mark.django_db


def listed(op: User, query: str = "") -> str:
    return browser_of(op).get(f"/operator/organizations{query}").content.decode()


def test_spend_and_limits_stand_beside_each_organization(
    op: User, acme: Organization, globex: Organization
) -> None:
    SpendLimits.objects.create(organization=acme, approved_limit_nanos=usd(120))
    Budget.objects.create(
        organization=acme,
        cycle_start=cycle_of(timezone.now()),
        spent_nanos=usd("12.34"),
    )

    page = listed(op)

    assert "$120.00" in page
    assert "$12.34" in page
    assert page.index("Acme") < page.index("Globex")


@pytest.mark.parametrize("query", ["?find=glob", "?find=oscar@", "?find={id}"])
def test_it_is_found_by_name_id_or_a_members_address(
    op: User, acme: Organization, globex: Organization, query: str
) -> None:
    page = listed(op, query.format(id=globex.public_id))

    assert globex.public_id in page
    assert acme.public_id not in page


def test_nothing_found_says_so_and_leads_back(op: User, acme: Organization) -> None:
    page = listed(op, "?find=%3Cb%3E")

    assert "Nothing is named like “&lt;b&gt;”" in page
    assert 'href="/operator/organizations"' in page


def test_a_deleted_organization_is_not_listed(op: User, acme: Organization) -> None:
    Organization.objects.update(deleted_at=timezone.now())

    assert acme.public_id not in listed(op)


def test_many_organizations_are_paged(op: User) -> None:
    for number in range(ROWS_PER_PAGE + 1):
        factories.make_organization(f"Team {number:03}")

    assert "Page 1 of 2" in listed(op)
    assert "Team 050" in listed(op, "?page=2")


def test_the_operator_is_led_to_these_pages(op: User) -> None:
    browser = browser_of(op)

    assert browser.get("/", follow=True).redirect_chain[-1][0] == "/operator/quota"
    assert 'href="/operator/"' in browser.get("/account/").content.decode()
