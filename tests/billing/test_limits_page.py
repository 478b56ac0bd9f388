"""The limits page: everyone reads it, owners change limits on it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import BillingProfile, Budget, SoftLimit, SpendLimits
from core.periods import cycle_of
from orgs.models import AuditEvent, Organization, User
from tests.factories import usd

pytestmark = pytest.mark.django_db
URL = "/o/acme/limits"


def hard_limit() -> int | None:
    limits = SpendLimits.objects.first()
    return limits.hard_limit_nanos if limits else None


def nothing_was_written() -> bool:
    return not (
        SpendLimits.objects.exists()
        or SoftLimit.objects.exists()
        or AuditEvent.objects.exists()
    )


@pytest.fixture
def spent_30(acme: Organization) -> None:
    """Acme spent 30 dollars in this cycle and holds 5."""
    BillingProfile.objects.create(organization=acme, legal_name="Acme Inc.")
    Budget.objects.create(
        organization=acme,
        cycle_start=cycle_of(timezone.now()),
        spent_nanos=usd(30),
        held_nanos=usd(5),
    )


def test_an_owner_sets_the_hard_limit(
    client: Client, acme: Organization, ada: User
) -> None:
    client.force_login(ada)

    response = client.post(f"{URL}/hard", {"amount": "$1,250.50"}, follow=True)

    assert response.redirect_chain == [(URL, 302)]
    assert hard_limit() == usd("1250.5")
    assert b"The hard limit is $1,250.50 per cycle." in response.content
    assert AuditEvent.objects.get().actor == ada


@pytest.mark.parametrize(
    ("amount", "message"),
    [
        ("", "No amount was entered"),
        ("-5", "cannot be negative"),
        ("0.005", "at most cents"),
        ("99999999", "The largest amount is $10,000,000.00"),
        ("plenty", "“plenty” is not an amount"),
        ("1e3", "is not an amount"),
        ("NaN", "is not an amount"),
        ("<b>", "“&lt;b&gt;” is not an amount"),
    ],
)
@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_a_wrong_amount_is_explained_kept_and_changes_nothing(
    client: Client, acme: Organization, ada: User, kind: str, amount: str, message: str
) -> None:
    client.force_login(ada)

    response = client.post(f"{URL}/{kind}", {"amount": amount})

    page = response.content.decode()
    assert response.status_code == 422
    assert message in page
    assert 'aria-invalid="true"' in page
    form = response.context[f"{kind}_form"]
    assert form["amount"].value() == amount
    assert nothing_was_written()


def test_a_soft_limit_of_zero_is_refused(
    client: Client, acme: Organization, ada: User
) -> None:
    client.force_login(ada)

    response = client.post(f"{URL}/soft", {"amount": "0"})

    assert "The smallest amount is $0.01." in response.content.decode()
    assert nothing_was_written()


def test_a_limit_above_the_approved_one_is_set_and_explained(
    client: Client, acme: Organization, ada: User
) -> None:
    SpendLimits.objects.create(organization=acme, approved_limit_nanos=usd(120))
    client.force_login(ada)

    response = client.post(f"{URL}/hard", {"amount": "500"}, follow=True)

    assert hard_limit() == usd(500)
    assert b"The approved limit of $120.00 is lower and binds first." in (
        response.content
    )


@pytest.mark.parametrize("amount", ["0", "10", "34.99", "35"])
def test_a_limit_that_stops_requests_asks_first(
    client: Client, acme: Organization, ada: User, spent_30: None, amount: str
) -> None:
    client.force_login(ada)

    response = client.post(f"{URL}/hard", {"amount": amount})

    page = response.content.decode()
    assert "This refuses requests at once." in page
    assert "$35.00 of this cycle are spent or held already" in page
    assert nothing_was_written()

    client.post(f"{URL}/hard", {"amount": amount, "confirmed": "on"})
    assert hard_limit() == usd(amount)


def test_a_limit_above_what_is_used_does_not_ask(
    client: Client, acme: Organization, ada: User, spent_30: None
) -> None:
    client.force_login(ada)

    client.post(f"{URL}/hard", {"amount": "35.01"})

    assert hard_limit() == usd("35.01")


def test_the_hard_limit_is_removed(
    client: Client, acme: Organization, ada: User
) -> None:
    SpendLimits.objects.create(
        organization=acme, hard_limit_nanos=usd(5), approved_limit_nanos=usd(120)
    )
    client.force_login(ada)

    client.post(f"{URL}/hard/remove")

    assert hard_limit() is None
    assert SpendLimits.objects.get().approved_limit_nanos == usd(120)
    assert AuditEvent.objects.get().details["before"] == {"hard_limit_nanos": usd(5)}


def test_soft_limits_come_and_go(client: Client, acme: Organization, ada: User) -> None:
    client.force_login(ada)

    client.post(f"{URL}/soft", {"amount": "10"})
    again = client.post(f"{URL}/soft", {"amount": "10.00"})
    assert b"There is a soft limit at this amount already." in again.content
    soft_limit = SoftLimit.objects.get()

    client.post(f"{URL}/soft/{soft_limit.public_id}/remove")
    assert not SoftLimit.objects.exists()
    gone = client.post(f"{URL}/soft/{soft_limit.public_id}/remove")
    assert gone.status_code == 404


def test_a_soft_limit_of_another_organization_cannot_be_removed(
    client: Client, acme: Organization, globex: Organization, ada: User
) -> None:
    soft_limit = SoftLimit.objects.create(organization=globex, amount_nanos=usd(1))
    client.force_login(ada)

    response = client.post(f"{URL}/soft/{soft_limit.public_id}/remove")

    assert response.status_code == 404
    assert SoftLimit.objects.count() == 1


def test_a_reader_sees_the_values_and_why_she_cannot_change_them(
    client: Client, acme: Organization, rita: User
) -> None:
    SpendLimits.objects.create(organization=acme, hard_limit_nanos=usd(77))
    client.force_login(rita)

    page = client.get(URL).content.decode()

    assert "$77.00" in page
    assert "its owners set the soft limits and the hard limit" in page
    assert 'name="amount"' not in page


@pytest.mark.parametrize("path", ["hard", "hard/remove", "soft", "soft/alert_x/remove"])
def test_a_reader_who_posts_is_refused_and_changes_nothing(
    client: Client, acme: Organization, rita: User, path: str
) -> None:
    client.force_login(rita)

    response = client.post(f"{URL}/{path}", {"amount": "1", "confirmed": "on"})

    assert response.status_code == 403
    assert nothing_was_written()


@pytest.mark.parametrize("path", ["hard", "hard/remove", "soft", "soft/alert_x/remove"])
def test_a_stranger_finds_nothing_and_changes_nothing(
    client: Client, acme: Organization, oscar: User, path: str
) -> None:
    client.force_login(oscar)

    response = client.post(f"{URL}/{path}", {"amount": "1", "confirmed": "on"})

    assert response.status_code == 404
    assert client.get(URL).status_code == 404
    assert nothing_was_written()
