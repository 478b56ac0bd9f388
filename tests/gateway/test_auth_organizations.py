"""Which organization pays: the header, the default, its sibling, or a refusal."""

from __future__ import annotations

from collections.abc import Callable

import openai
import pytest

from billing.models import Budget
from orgs.models import Membership, Organization, User
from tests import factories, rig
from tests.gateway.conftest import House, client_of, personal_key, service_key
from tests.gateway.raw import Answer, call, nothing_written

pytestmark = pytest.mark.processes

MISMATCHED = (401, "invalid_request_error", "mismatched_organization")
Furnish = Callable[[Organization], House]


def ask(url: str, key: str, organization: Organization | str | None = None) -> Answer:
    """Send a request, perhaps with the header."""
    if isinstance(organization, Organization):
        organization = organization.public_id
    headers = {} if organization is None else {"OpenAI-Organization": organization}
    body = {"model": "sandbox-1", "messages": [{"role": "user", "content": "Hello"}]}
    return call(url, key, body, headers=headers)


def payers() -> list[str]:
    """Return the names of the organizations that spent anything."""
    spending = Budget.objects.filter(spent_nanos__gt=0)
    return sorted(spending.values_list("organization__name", flat=True))


@pytest.mark.parametrize("header", ["org-nobody", "Acme", "acme", "org-'; --", "*"])
def test_an_unknown_organization_is_refused(
    house: House, provider: rig.Provider, header: str
) -> None:
    with nothing_written(provider):
        answer = ask(house.url, house.key, header)

    assert answer.summary == MISMATCHED


def test_a_stranger_cannot_tell_a_foreign_organization_from_none(
    house: House, provider: rig.Provider, globex: Organization, oscar: User
) -> None:
    key = personal_key(oscar, "production")
    with nothing_written(provider):
        foreign = ask(house.url, key, house.organization)
        unknown = ask(house.url, key, "org-nobody")

    assert foreign.summary == MISMATCHED
    assert foreign.body == unknown.body


def test_a_service_key_acts_in_its_own_organization_only(
    house: House, provider: rig.Provider, globex: Organization
) -> None:
    with nothing_written(provider):
        assert ask(house.url, house.key, globex).summary == MISMATCHED

    assert ask(house.url, house.key, house.organization).status == 200


def test_a_production_key_does_not_act_in_the_sibling(
    house: House, provider: rig.Provider, acme_staging: Organization, ada: User
) -> None:
    with nothing_written(provider):
        for key in (house.key, personal_key(ada, "production")):
            answer = ask(house.url, key, acme_staging)

            assert answer.summary == MISMATCHED
            assert "production environment" in answer.error["message"]


def test_a_staging_key_does_not_act_in_production(
    house: House, provider: rig.Provider, acme_staging: Organization, ada: User
) -> None:
    with nothing_written(provider):
        for key in (service_key(acme_staging), personal_key(ada, "staging")):
            answer = ask(house.url, key, house.organization)

            assert answer.summary == MISMATCHED


def test_a_personal_key_bills_the_default_organization(
    house: House, rita: User
) -> None:
    assert ask(house.url, personal_key(rita, "production")).status == 200

    assert payers() == ["Acme"]
    assert house.records()[0].user == rita


def test_the_header_picks_another_organization_of_the_person(
    house: House, globex: Organization, furnish: Furnish, ada: User
) -> None:
    furnish(globex)
    factories.join(ada, globex)
    key = personal_key(ada, "production")

    client = client_of(house.url, key, organization=globex.public_id)
    client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello"}]
    )

    assert payers() == ["Globex"]


def test_a_staging_key_goes_to_the_sibling_of_the_default(
    house: House, acme_staging: Organization, ada: User
) -> None:
    answer = ask(house.url, personal_key(ada, "staging"))

    assert answer.status == 200
    assert answer.headers["openai-organization"] == acme_staging.public_id
    assert payers() == ["Acme Staging"]


def test_without_a_fitting_default_the_refusal_names_the_header(
    house: House, provider: rig.Provider, rita: User
) -> None:
    factories.join(rita, factories.make_organization("Lab", environment="staging"))

    with nothing_written(provider):
        answer = ask(house.url, personal_key(rita, "staging"))

    assert answer.summary == MISMATCHED
    assert "OpenAI-Organization" in answer.error["message"]


def test_a_sibling_that_the_person_is_no_member_of_is_not_chosen(
    house: House, provider: rig.Provider, acme_staging: Organization, rita: User
) -> None:
    with nothing_written(provider):
        answer = ask(house.url, personal_key(rita, "staging"))

    assert answer.summary == MISMATCHED


def test_a_person_in_no_organization_is_told_so(
    house: House, provider: rig.Provider
) -> None:
    nobody = factories.make_user("nina@nowhere.example")

    with nothing_written(provider):
        answer = ask(house.url, personal_key(nobody, "production"))

    assert answer.summary == (401, "invalid_request_error", "no_organization")


def test_who_is_removed_spends_no_more(
    house: House, provider: rig.Provider, rita: User
) -> None:
    key = personal_key(rita, "production")
    assert ask(house.url, key).status == 200

    Membership.objects.filter(user=rita).delete()
    rig.wait_until(lambda: ask(house.url, key).status == 401, deadline_s=1)

    with nothing_written(provider):
        assert ask(house.url, key).error["code"] == "no_organization"


def test_the_sdk_raises_what_it_raises_for_openai(house: House) -> None:
    client = house.client(organization="org-nobody")

    with pytest.raises(openai.AuthenticationError) as refusal:
        client.models.list()

    assert refusal.value.code == "mismatched_organization"
