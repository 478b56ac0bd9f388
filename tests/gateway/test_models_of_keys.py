"""A key that may ask for some models only."""

from __future__ import annotations

import openai
import pytest
from django.utils import timezone

from keys.actions import issue_key
from orgs.models import Organization
from tests import rig
from tests.gateway.conftest import House, client_of
from tests.gateway.raw import call, nothing_written

pytestmark = pytest.mark.processes

NOT_FOUND = (404, "invalid_request_error", "model_not_found")


def key_for(organization: Organization, *patterns: str) -> str:
    issued = issue_key(
        kind="service",
        environment=organization.environment,
        name="narrow",
        organization=organization,
        user=None,
        acting_user=None,
        expires_at=None,
        models_allowed=patterns,
        now=timezone.now(),
    )
    return issued.text


@pytest.mark.parametrize("patterns", [["gpt-4o-mini"], ["gpt-4*"], ["o3", "gpt-4o*"]])
def test_a_key_asks_for_the_models_it_may(house: House, patterns: list[str]) -> None:
    key = key_for(house.organization, *patterns)

    assert call(house.url, key).status == 200


@pytest.mark.parametrize("patterns", [["gpt-4o"], ["gpt-5*"], ["GPT-4o-mini"]])
def test_another_model_does_not_exist_for_it(
    house: House, provider: rig.Provider, patterns: list[str]
) -> None:
    key = key_for(house.organization, *patterns)

    with nothing_written(provider):
        answer = call(house.url, key)

    assert answer.summary == NOT_FOUND
    assert "`gpt-4o-mini` does not exist" in answer.error["message"]


def test_of_two_models_in_a_body_the_one_that_is_sent_on_counts(
    house: House, provider: rig.Provider
) -> None:
    key = key_for(house.organization, "gpt-4o-mini")
    one, other = b'"model": "gpt-4o-mini"', b'"model": "gpt-4o"'
    ask = b'"messages": [{"role": "user", "content": "Hi"}]'
    twice = b"{" + b", ".join([one, ask, other]) + b"}"

    with nothing_written(provider):
        assert call(house.url, key, twice).summary == NOT_FOUND


def test_a_key_lists_the_models_it_may(house: House) -> None:
    all_of_them = {model.id for model in house.client().models.list()}
    client = client_of(house.url, key_for(house.organization, "gpt-4o-mini"))

    assert {model.id for model in client.models.list()} == {"gpt-4o-mini"}
    assert len(all_of_them) > 1


def test_the_sandbox_lists_the_models_a_key_may(staging: House) -> None:
    client = client_of(staging.url, key_for(staging.organization, "sandbox-*"))

    names = {model.id for model in client.models.list()}
    assert "sandbox-1" in names
    assert all(name.startswith("sandbox-") for name in names)


def test_a_model_it_may_not_ask_for_is_not_described(staging: House) -> None:
    client = client_of(staging.url, key_for(staging.organization, "sandbox-*"))

    with pytest.raises(openai.NotFoundError) as refusal:
        client.models.retrieve("gpt-4o-mini")

    assert refusal.value.code == "model_not_found"
    assert client.models.retrieve("sandbox-1").id == "sandbox-1"
