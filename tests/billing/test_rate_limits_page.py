"""Rate limits on the limits page: owners set and remove them, readers see them."""

from __future__ import annotations

import pytest
from django.test import Client

from billing.models import RateLimit
from orgs.models import AuditEvent, Organization, User
from tests.usage_factories import make_key

pytestmark = pytest.mark.django_db
URL = "/o/acme/limits"


def set_rate(client: Client, **values: str) -> str:
    """Send the form and return the page that comes of it."""
    given = {"api_key": "", "model": "", **values}
    return client.post(f"{URL}/rates", given, follow=True).content.decode()


def test_without_any_the_page_says_so(
    client: Client, acme: Organization, ada: User
) -> None:
    client.force_login(ada)

    assert "any number of requests may come" in client.get(URL).content.decode()


def test_an_owner_sets_a_rate_limit_of_the_organization(
    client: Client, acme: Organization, ada: User
) -> None:
    client.force_login(ada)

    page = set_rate(client, requests_per_minute="60", tokens_per_minute="200,000")

    limit = RateLimit.objects.get()
    assert (limit.api_key, limit.model) == (None, "")
    assert (limit.requests_per_minute, limit.tokens_per_minute) == (60, 200_000)
    assert (limit.updated_by, limit.organization) == (ada, acme)
    assert "The rate limit is set and in force." in page
    assert "200,000" in page


def test_an_owner_limits_a_key_for_models_that_begin_alike(
    client: Client, acme: Organization, ada: User
) -> None:
    key = make_key("Support bot", organization=acme)
    client.force_login(ada)

    page = set_rate(
        client, api_key=key.public_id, model="gpt-5*", requests_per_minute="5"
    )

    limit = RateLimit.objects.get()
    assert (limit.api_key, limit.model) == (key, "gpt-5*")
    assert "Support bot" in page


def test_changing_shows_what_is_there_and_makes_no_second_one(
    client: Client, acme: Organization, ada: User
) -> None:
    limit = RateLimit.objects.create(
        organization=acme, model="gpt-5", requests_per_minute=71
    )
    client.force_login(ada)

    form = client.get(URL, {"rate": limit.public_id}).context["rate_form"]
    assert form["requests_per_minute"].value() == 71
    assert form["model"].value() == "gpt-5"

    set_rate(client, model="gpt-5", tokens_per_minute="9000")
    limit.refresh_from_db()
    assert RateLimit.objects.count() == 1
    assert (limit.requests_per_minute, limit.tokens_per_minute) == (None, 9000)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "Limit requests, tokens or both."),
        ({"requests_per_minute": "0"}, "The least is 1."),
        ({"requests_per_minute": "1000001"}, "The most is 1,000,000."),
        ({"tokens_per_minute": "1.5"}, "Enter a whole number."),
        ({"tokens_per_minute": "many"}, "Enter a whole number."),
        ({"model": "gpt 5", "requests_per_minute": "1"}, "A name has no spaces"),
        ({"model": "gpt-*-mini", "requests_per_minute": "1"}, "a star only at its end"),
        ({"api_key": "key_x", "requests_per_minute": "1"}, "Select a valid choice"),
    ],
)
def test_a_wrong_value_is_explained_kept_and_changes_nothing(
    client: Client, acme: Organization, ada: User, values: dict[str, str], message: str
) -> None:
    client.force_login(ada)

    response = client.post(f"{URL}/rates", values)

    assert response.status_code == 422
    assert message in response.content.decode()
    for name, value in values.items():
        assert response.context["rate_form"][name].value() == value
    assert not RateLimit.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_key_of_another_organization_cannot_be_limited(
    client: Client, acme: Organization, globex: Organization, ada: User
) -> None:
    foreign = make_key("Theirs", organization=globex)
    client.force_login(ada)

    page = set_rate(client, api_key=foreign.public_id, requests_per_minute="1")

    assert "Select a valid choice" in page
    assert "Theirs" not in page
    assert not RateLimit.objects.exists()


def test_a_star_alone_means_all_models(
    client: Client, acme: Organization, ada: User
) -> None:
    client.force_login(ada)

    set_rate(client, model="*", requests_per_minute="1")

    assert RateLimit.objects.get().model == ""


def test_an_owner_removes_a_rate_limit(
    client: Client, acme: Organization, ada: User
) -> None:
    limit = RateLimit.objects.create(organization=acme, requests_per_minute=9)
    client.force_login(ada)

    address = f"{URL}/rates/{limit.public_id}/remove"
    page = client.post(address, follow=True).content.decode()

    assert "The rate limit is removed." in page
    assert not RateLimit.objects.exists()
    assert client.post(address).status_code == 404


def test_a_rate_limit_of_another_organization_cannot_be_removed(
    client: Client, acme: Organization, globex: Organization, ada: User
) -> None:
    limit = RateLimit.objects.create(organization=globex, requests_per_minute=9)
    client.force_login(ada)

    response = client.post(f"{URL}/rates/{limit.public_id}/remove")

    assert response.status_code == 404
    assert RateLimit.objects.count() == 1


def test_a_reader_sees_what_meets_her_and_no_form(
    client: Client, acme: Organization, ada: User, rita: User
) -> None:
    for name, user in (("Ada's laptop", ada), ("Notebook", rita)):
        key = make_key(name, user=user)
        RateLimit.objects.create(
            organization=acme, api_key=key, requests_per_minute=600
        )
    RateLimit.objects.create(organization=acme, tokens_per_minute=1_234_567)
    client.force_login(rita)

    page = client.get(URL).content.decode()

    assert "1,234,567" in page
    assert "Notebook" in page
    assert "laptop" not in page
    assert "Set rate limit" not in page
