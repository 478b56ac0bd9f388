"""Credit on pages: the organization's table, and the operator who grants and voids."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.actions.credit import CreditWish, grant_credit
from billing.credit import ORDER_IN_WORDS
from billing.models import CreditGrant
from orgs.models import Organization, User
from tests.architecture.source import text_of
from tests.factories import usd
from tests.visits import browser_of

pytestmark = pytest.mark.django_db


def give(organization: Organization, name: str, *, days: int | None) -> CreditGrant:
    now = timezone.now()
    wish = CreditWish(
        name=name,
        kind="goodwill",
        amount_nanos=usd(10),
        effective_at=now - timedelta(days=30),
        expires_at=None if days is None else now + timedelta(days=days),
    )
    return grant_credit(organization=organization, wish=wish, acting_user=None, now=now)


def page_of(user: User, path: str = "/o/acme/billing") -> str:
    return browser_of(user).get(path).content.decode()


def test_credit_stands_in_the_order_in_which_it_pays(
    acme: Organization, rita: User
) -> None:
    for name, days in (("Forever", None), ("Later", 90), ("Soon", 5), ("Past", -1)):
        give(acme, name, days=days)

    page = page_of(rita)

    places = [page.index(f">{name}<") for name in ("Soon", "Later", "Forever", "Past")]
    assert places == sorted(places)
    for word in ("Expires soon", "Live", "Expired", "never expires"):
        assert word in page


def test_the_order_is_said_on_the_page_and_in_the_document(
    acme: Organization, rita: User
) -> None:
    assert ORDER_IN_WORDS in page_of(rita)
    document = " ".join(text_of("billing/README.md").split())
    assert "pays first; of those that expire together, the one with the lower" in (
        document
    )


def test_the_operator_grants_credit(acme: Organization, op: User) -> None:
    tomorrow = timezone.now().date() + timedelta(days=1)
    answer = browser_of(op).post(
        f"/operator/organizations/{acme.public_id}/credit",
        {
            "name": "For the outage",
            "amount": "25",
            "kind": "goodwill",
            "starts_on": "",
            "last_day": f"{tomorrow:%Y-%m-%d}",
            "priority": "10",
        },
        follow=True,
    )

    assert "has a credit of $25.00 more" in answer.content.decode()
    credit = CreditGrant.objects.get()
    assert (credit.kind, credit.priority, credit.created_by) == ("goodwill", 10, op)
    assert credit.expires_at is not None
    assert credit.expires_at.date() == tomorrow + timedelta(days=1)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "0"},
        {"kind": "trial"},
        {"priority": "101"},
        {"last_day": "2020-01-01"},
        {"starts_on": "2020-01-01"},
        {"name": ""},
    ],
)
def test_what_cannot_be_granted_is_not(
    acme: Organization, op: User, change: dict[str, str]
) -> None:
    form = {"name": "x", "amount": "5", "kind": "paid", "priority": "50"}

    answer = browser_of(op).post(
        f"/operator/organizations/{acme.public_id}/credit", form | change
    )

    assert answer.status_code == 422
    assert not CreditGrant.objects.exists()


def test_the_operator_voids_credit_for_a_reason(acme: Organization, op: User) -> None:
    credit, browser = give(acme, "Launch", days=40), browser_of(op)
    url = f"/operator/credit/{credit.public_id}/void"

    assert "Say why" in browser.post(url, {}, follow=True).content.decode()
    credit.refresh_from_db()
    assert credit.voided_at is None

    page = browser.post(url, {"reason": "Granted twice"}, follow=True).content.decode()
    assert "is voided" in page
    assert "Granted twice" in page
    again = browser.post(url, {"reason": "Again"}, follow=True).content.decode()
    assert "has ended already" in again
    credit.refresh_from_db()
    assert (credit.void_reason, credit.voided_by) == ("Granted twice", op)
