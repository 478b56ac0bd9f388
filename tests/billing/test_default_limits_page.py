"""Owners set defaults, see what is given away, who set what, and go back."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from billing.actions.limits import set_hard_limit
from billing.actions.scope_limits import set_default_limit, set_key_limit
from billing.allocation_queries import Allocation, allocations_of
from billing.funding import funding_of
from billing.models import BillingProfile, SpendLimits
from billing.scope_models import Scope
from orgs.models import AuditEvent, Organization, User
from tests.billing.books import book, hold_of
from tests.factories import NOW, usd
from tests.usage_factories import make_key

pytestmark = pytest.mark.django_db
URL = "/o/acme/limits"


@pytest.fixture
def acme(acme: Organization) -> Organization:
    """Acme with billing information, so that credit does not bind."""
    BillingProfile.objects.create(organization=acme, legal_name="Acme Inc")
    return acme


def hard(acme: Organization, user: User, nanos: int | None) -> None:
    set_hard_limit(
        organization=acme, amount_nanos=nanos, acting_user=user, now=timezone.now()
    )


def default(acme: Organization, scope: Scope, nanos: int) -> None:
    set_default_limit(
        organization=acme, scope=scope, amount_nanos=nanos, acting_user=None, now=NOW
    )


def of_keys(acme: Organization) -> Allocation:
    now = timezone.now()
    funding = funding_of(acme, now=now)
    return allocations_of(acme, funding, now=now)[0]


def test_an_owner_sets_a_default_and_takes_it_back(
    client: Client, acme: Organization, ada: User
) -> None:
    make_key("laptop", user=ada)
    client.force_login(ada)

    page = client.post(f"{URL}/defaults/key", {"amount": "5"}, follow=True)

    assert SpendLimits.objects.get().key_default_nanos == usd(5)
    text = page.content.decode()
    assert "Each key without a limit may spend $5.00 per cycle." in text
    assert "the default" in text
    client.post(f"{URL}/defaults/key/remove")
    assert SpendLimits.objects.get().key_default_nanos is None


def test_a_default_that_stops_somebody_asks_first(
    client: Client, acme: Organization, ada: User
) -> None:
    key = make_key("laptop", user=ada)
    book(hold_of(acme, usd(5), api_key_id=key.pk))
    client.force_login(ada)

    asked = client.post(f"{URL}/defaults/key", {"amount": "5"})

    assert asked.status_code == 422
    assert "This refuses requests at once." in asked.content.decode()
    assert not SpendLimits.objects.exists()
    client.post(f"{URL}/defaults/key", {"amount": "5", "confirmed": "on"})
    assert SpendLimits.objects.get().key_default_nanos == usd(5)


def test_whoever_has_a_limit_of_their_own_is_not_stopped_by_a_default(
    client: Client, acme: Organization, ada: User
) -> None:
    key = make_key("laptop", user=ada)
    book(hold_of(acme, usd(5), api_key_id=key.pk))
    set_key_limit(
        organization=acme, api_key=key, amount_nanos=usd(9), acting_user=ada, now=NOW
    )
    client.force_login(ada)

    client.post(f"{URL}/defaults/key", {"amount": "5"})

    assert SpendLimits.objects.get().key_default_nanos == usd(5)


@pytest.mark.parametrize("suffix", ["", "/remove"])
def test_readers_are_refused_a_change_of_defaults(
    client: Client, acme: Organization, rita: User, suffix: str
) -> None:
    client.force_login(rita)

    answer = client.post(f"{URL}/defaults/member{suffix}", {"amount": "5"})

    assert answer.status_code == 403
    assert not SpendLimits.objects.exists()


def test_what_is_given_away_counts_own_limits_and_defaults(
    acme: Organization, ada: User
) -> None:
    hard(acme, ada, usd(100))
    keys = [make_key(f"key {n}", user=ada) for n in range(3)]
    set_key_limit(
        organization=acme,
        api_key=keys[0],
        amount_nanos=usd(100),
        acting_user=ada,
        now=NOW,
    )
    before = of_keys(acme)
    default(acme, Scope.KEY, usd(75))
    after = of_keys(acme)

    assert (before.allowed_nanos, before.unlimited, before.alone) == (usd(100), 2, 3)
    assert (after.allowed_nanos, after.unlimited, after.alone) == (usd(250), 0, 1)
    assert (after.percent, after.filled_percent, after.is_over) == (250, 100, True)


def test_revoked_keys_are_given_nothing(acme: Organization, ada: User) -> None:
    default(acme, Scope.KEY, usd(75))
    key = make_key("gone", user=ada)
    key.revoked_at = NOW
    key.save(update_fields=["revoked_at"])

    assert (of_keys(acme).count, of_keys(acme).allowed_nanos) == (0, 0)


def test_the_gauge_is_drawn_for_owners_alone(
    client: Client, acme: Organization, ada: User, rita: User
) -> None:
    hard(acme, ada, usd(100))
    make_key("laptop", user=ada)
    default(acme, Scope.KEY, usd(250))

    client.force_login(ada)
    assert "250 % of the $100.00" in client.get(URL).content.decode()
    client.force_login(rita)
    assert "250 %" not in client.get(URL).content.decode()


def test_each_limit_names_who_set_it_last(
    client: Client, acme: Organization, ada: User, op: User
) -> None:
    """Changing one limit does not say so of another."""
    hard(acme, ada, usd(100))
    default(acme, Scope.KEY, usd(5))
    client.force_login(ada)

    changes = client.get(URL).context["changes"]

    assert changes["hard_limit_nanos"].by == "Ada Moss"
    assert changes["key_default_nanos"].by == "Tokenhouse"
    assert "approved_limit_nanos" not in changes


def test_a_changed_hard_limit_can_be_put_back(
    client: Client, acme: Organization, ada: User
) -> None:
    for amount in (usd(100), usd(60)):
        hard(acme, ada, amount)
    client.force_login(ada)
    assert "Back to $100.00" in client.get(URL).content.decode()

    client.post(f"{URL}/hard", {"amount": "100.00"})

    assert SpendLimits.objects.get().hard_limit_nanos == usd(100)
    assert "Back to $60.00" in client.get(URL).content.decode()
    assert AuditEvent.objects.filter(action="spend_limit.updated").count() == 3
