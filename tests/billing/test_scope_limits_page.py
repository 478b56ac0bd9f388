"""Owners limit keys and members on the limits page; readers see their own."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billing.actions.scope_limits import set_key_limit, set_member_limit
from billing.models import BillingProfile, GatewayProcess
from billing.scope_models import ScopeLimit
from billing.scope_queries import HOLDS_SHOWN, PAGE_SIZE
from keys.models import ApiKey
from orgs.models import AuditEvent, Organization, User
from tests.billing.books import book, hold_of, settling
from tests.factories import usd
from tests.usage_factories import make_key

pytestmark = pytest.mark.django_db
URL = "/o/acme/limits"


@pytest.fixture
def acme(acme: Organization) -> Organization:
    """Acme with billing information, so that credit does not bind."""
    BillingProfile.objects.create(organization=acme, legal_name="Acme Inc")
    return acme


@pytest.fixture
def laptop(acme: Organization, ada: User) -> ApiKey:
    """Ada's key, which spent 30 dollars and holds 5."""
    key = make_key("laptop", user=ada)
    spent = hold_of(acme, usd(30), api_key_id=key.pk, user_id=ada.pk)
    book(spent)
    book(settling(spent, usd(30)))
    book(hold_of(acme, usd(5), api_key_id=key.pk, user_id=ada.pk))
    return key


def amounts() -> list[int]:
    return list(ScopeLimit.objects.values_list("amount_nanos", flat=True))


def page_of(client: Client, user: User, url: str = URL) -> str:
    client.force_login(user)
    return client.get(url).content.decode()


def row_names(client: Client, user: User, url: str = URL) -> list[str]:
    """Return the names in the table of keys."""
    client.force_login(user)
    return [row.name for row in client.get(url).context["key_scopes"].rows]


def test_an_owner_limits_a_key(client: Client, laptop: ApiKey, ada: User) -> None:
    client.force_login(ada)

    answer = client.post(
        f"{URL}/keys/{laptop.public_id}", {"amount": "50"}, follow=True
    )

    assert answer.redirect_chain == [(URL, 302)]
    assert amounts() == [usd(50)]
    page = answer.content.decode()
    assert "laptop may spend $50.00 per cycle." in page
    assert "$15.00" in page, "what is left"
    assert "by Ada Moss" in page
    assert AuditEvent.objects.get(action="key_limit.updated").actor == ada


def test_an_owner_limits_a_member_and_takes_it_back(
    client: Client, laptop: ApiKey, ada: User
) -> None:
    client.force_login(ada)
    url = f"{URL}/members/{ada.public_id}"

    client.post(url, {"amount": "50"})
    assert amounts() == [usd(50)]
    answer = client.post(f"{url}/remove", follow=True)

    assert amounts() == []
    assert "has no limit of their own any more" in answer.content.decode()


def test_a_limit_that_stops_a_key_asks_first(
    client: Client, laptop: ApiKey, ada: User
) -> None:
    client.force_login(ada)
    url = f"{URL}/keys/{laptop.public_id}"

    asked = client.post(url, {"amount": "35"})

    assert asked.status_code == 422
    assert "This refuses requests at once." in asked.content.decode()
    assert amounts() == []
    client.post(url, {"amount": "35", "confirmed": "on"})
    assert amounts() == [usd(35)]


def test_a_wrong_amount_is_explained_kept_and_changes_nothing(
    client: Client, laptop: ApiKey, ada: User
) -> None:
    client.force_login(ada)

    answer = client.post(f"{URL}/keys/{laptop.public_id}", {"amount": "1.999"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "at most cents" in page
    assert 'value="1.999"' in page
    assert amounts() == []


@pytest.mark.parametrize("suffix", ["", "/remove"])
def test_keys_and_people_of_elsewhere_are_not_found(
    client: Client, acme: Organization, ada: User, oscar: User, suffix: str
) -> None:
    key = make_key("his", user=oscar)
    client.force_login(ada)

    for place in (f"keys/{key.public_id}", f"members/{oscar.public_id}", "keys/key_x"):
        answer = client.post(f"{URL}/{place}{suffix}", {"amount": "5"})
        assert answer.status_code == 404

    assert amounts() == []


def test_a_reader_sees_her_own_rows_and_no_form(
    client: Client, acme: Organization, laptop: ApiKey, rita: User
) -> None:
    make_key("Rita's notebook", user=rita)
    page = page_of(client, rita)

    assert "Rita&#x27;s notebook" in page
    assert "laptop" not in page
    assert 'name="amount"' not in page


def test_many_keys_are_paged_and_found(
    client: Client, acme: Organization, ada: User
) -> None:
    for number in range(PAGE_SIZE + 1):
        make_key(f"key-{number:02}", user=ada)

    assert row_names(client, ada) == [f"key-{n:02}" for n in range(PAGE_SIZE)]
    assert row_names(client, ada, f"{URL}?keys=2") == [f"key-{PAGE_SIZE}"]
    assert row_names(client, ada, f"{URL}?find=KEY-07") == ["key-07"]
    assert "Nothing is named like “zzz”" in page_of(client, ada, f"{URL}?find=zzz")


def test_a_revoked_key_stays_while_it_has_something_to_show(
    client: Client, acme: Organization, laptop: ApiKey, ada: User
) -> None:
    make_key("unused", user=ada)
    ApiKey.objects.update(revoked_at=timezone.now())

    assert row_names(client, ada) == ["laptop"]


def test_open_holds_are_listed_with_their_gateway(
    client: Client, acme: Organization, laptop: ApiKey, ada: User
) -> None:
    now, gateway_id = timezone.now(), uuid.uuid4()
    GatewayProcess.objects.create(
        id=gateway_id, host="gateway-7", pid=4242, started_at=now, beat_at=now
    )
    hold = hold_of(acme, usd(7), api_key_id=laptop.pk, user_id=ada.pk)
    book(replace(hold, gateway_id=gateway_id))

    page = page_of(client, ada, f"{URL}/holds")

    assert "2 hold $12.00" in page
    assert "gateway-7" in page
    assert "process 4242" in page
    assert "Held by 2 requests under way" in page_of(client, ada)


def test_a_reader_sees_holds_of_her_own_only(
    client: Client, acme: Organization, laptop: ApiKey, rita: User
) -> None:
    page = page_of(client, rita, f"{URL}/holds")

    assert "Nothing is held for requests of your own" in page
    assert "laptop" not in page


def test_the_newest_holds_are_shown_and_all_are_counted(
    client: Client, acme: Organization, ada: User
) -> None:
    key = make_key("batch", organization=acme)
    holds = [hold_of(acme, 1, api_key_id=key.pk) for _ in range(HOLDS_SHOWN + 2)]
    book(*holds)

    page = page_of(client, ada, f"{URL}/holds")

    # One more row heads the table.
    assert page.count("<tr") == HOLDS_SHOWN + 1
    assert f"The newest {HOLDS_SHOWN} of {HOLDS_SHOWN + 2}" in page


def test_a_keys_limit_is_shown_as_reached(
    client: Client, acme: Organization, laptop: ApiKey, ada: User
) -> None:
    set_key_limit(
        organization=acme,
        api_key=laptop,
        amount_nanos=usd(20),
        acting_user=ada,
        now=timezone.now(),
    )

    assert "Reached" in page_of(client, ada)


def test_the_keys_and_members_pages_say_what_is_used_of_a_limit(
    client: Client, acme: Organization, laptop: ApiKey, ada: User
) -> None:
    limit: dict[str, Any] = {
        "organization": acme,
        "acting_user": ada,
        "now": timezone.now(),
    }
    set_key_limit(api_key=laptop, amount_nanos=usd(50), **limit)
    set_member_limit(user=ada, amount_nanos=usd(35), **limit)

    assert "$35.00 of $50.00" in page_of(client, ada, "/o/acme/keys")
    members = page_of(client, ada, "/o/acme/members")
    assert "$35.00 of $35.00" in members
    assert "Limit reached" in members


def test_a_reader_does_not_see_the_limits_of_others(
    client: Client, acme: Organization, laptop: ApiKey, ada: User, rita: User
) -> None:
    set_member_limit(
        organization=acme,
        user=ada,
        amount_nanos=usd(50),
        acting_user=ada,
        now=timezone.now(),
    )

    assert "$50.00" not in page_of(client, rita, "/o/acme/members")


def test_a_charge_above_its_bound_is_booked_and_told_on_the_overview(
    client: Client, acme: Organization, laptop: ApiKey, ada: User
) -> None:
    assert "cost more than was held" not in page_of(client, ada, "/o/acme/overview")
    hold = hold_of(acme, usd(1), api_key_id=laptop.pk)
    book(hold)

    book(settling(hold, usd(2)))

    page = page_of(client, ada, "/o/acme/overview")
    assert "1 request of this cycle cost more than was held beforehand" in page
