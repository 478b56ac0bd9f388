"""What a form does not ask for is not read, whoever sends it."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from billing.models import CreditGrant
from orgs.models import Membership, Organization, User
from tests.architecture import routes
from tests.visits import browser_of

pytestmark = pytest.mark.django_db

EXTRA = {
    **dict.fromkeys(("is_staff", "is_superuser", "is_active", "verified"), "on"),
    **dict.fromkeys(("organization", "organization_id", "slug"), "globex"),
    **dict.fromkeys(("user", "user_id", "actor", "acting_user", "owner"), "1"),
    **dict.fromkeys(("pk", "id", "public_id", "digest", "handle"), "1"),
    **dict.fromkeys(("approved_limit", "approved_nanos", "amount_nanos"), "999999"),
    **dict.fromkeys(("spent_nanos", "held_nanos", "consumed_nanos"), "0"),
    "suspended_at": "",
    "environment": "staging",
    "groups": "1",
    "user_permissions": "1",
}
ACCOUNT_FORMS = [
    ("orgs:save_profile", {"name": "Rita", "time_zone": "UTC"}),
    ("orgs:save_mails", {}),
    ("orgs:set_default_organization", {"organization": "acme"}),
]


def privileges() -> dict[str, Any]:
    """Return all that a smuggled field could have raised."""
    return {
        "people": list(
            User.objects.order_by("pk").values_list(
                "pk", "email", "is_staff", "is_superuser", "is_active", "public_id"
            )
        ),
        "organizations": list(
            Organization.objects.filter(slug__in=("acme", "globex"))
            .order_by("pk")
            .values_list("pk", "public_id", "slug", "environment")
        ),
        "globex": list(
            Membership.objects.filter(organization__slug="globex").values_list(
                "user_id", "role"
            )
        ),
        "credit": list(CreditGrant.objects.values_list("pk", "consumed_nanos")),
    }


@pytest.mark.parametrize(("name", "form"), ACCOUNT_FORMS)
def test_a_reader_raises_nothing_by_fields_nobody_asked_for(
    acme: Organization,
    globex: Organization,
    rita: User,
    name: str,
    form: dict[str, str],
) -> None:
    before = privileges()

    browser_of(rita).post(reverse(name), {**EXTRA, **form})

    assert privileges() == before


@pytest.mark.parametrize("name", routes.OWNER_FORMS)
def test_an_owner_raises_nothing_by_fields_nobody_asked_for(
    acme: Organization, globex: Organization, ada: User, rita: User, name: str
) -> None:
    addresses = routes.furnish(acme, ada, rita)
    before = privileges()

    form = {**EXTRA, **routes.OWNER_FORMS[name]}
    browser_of(ada).post(addresses.of(name), form)

    after = privileges()
    assert after["people"] == before["people"]
    assert after["globex"] == before["globex"]
    assert after["credit"] == before["credit"]
    kept = [row for row in before["organizations"] if row in after["organizations"]]
    # Deletion, which is one of the forms, takes the address away.
    assert kept == before["organizations"] or name == "billing:delete_organization"


def test_a_key_is_of_the_kind_that_its_maker_may_make(
    acme: Organization, rita: User
) -> None:
    form = {"name": "Mine", "kind": "service", "expiry": "never", **EXTRA}

    answer = browser_of(rita).post("/o/acme/keys/create", form)

    assert answer.status_code in (403, 422)
