"""The list of models: the provider's own, or what the sandbox answers for."""

from __future__ import annotations

import openai
import pytest

from billing.models import Price
from tests import rig
from tests.gateway.conftest import House
from tests.gateway.raw import call, nothing_written

pytestmark = pytest.mark.processes


def test_the_sandbox_lists_every_model_that_has_a_price(staging: House) -> None:
    names = [model.id for model in staging.client().models.list()]

    priced = set(Price.objects.values_list("model", flat=True))
    assert set(names) == {name for name in priced if not name.endswith("*")}
    assert {"sandbox-1", "sandbox-embedding-1", "gpt-4o-mini"} <= set(names)
    assert names == sorted(names)


def test_the_sandbox_knows_one_model(staging: House) -> None:
    model = staging.client().models.retrieve("sandbox-1")

    assert (model.id, model.object, model.owned_by) == (
        "sandbox-1",
        "model",
        "tokenhouse",
    )


def test_the_sandbox_does_not_know_a_model_without_a_price(staging: House) -> None:
    with nothing_written(), pytest.raises(openai.NotFoundError) as refusal:
        staging.client().models.retrieve("house-special")

    assert refusal.value.code == "model_not_found"


def test_listing_models_holds_and_costs_nothing(
    house: House, provider: rig.Provider
) -> None:
    house.limit("0")
    with nothing_written(provider):
        answer = call(house.url, house.key, method="GET", path="/v1/models")

    assert answer.status == 200
    assert answer.headers["openai-organization"] == house.organization.public_id


def test_listing_models_needs_a_key(house: House) -> None:
    answer = call(house.url, None, method="GET", path="/v1/models")

    assert answer.status == 401


ELSEWHERE = [
    "..%2Ffiles",
    "%2e%2e/files",
    "a/../../files",
    "./files",
    "gpt%0d%0aX-Injected:%20yes",
    "gpt%3Fafter=1",
    "gpt%23",
    "%252e%252e/files",
]


def test_a_models_name_leads_nowhere_else_at_the_provider(
    house: House, provider: rig.Provider
) -> None:
    for name in ELSEWHERE:
        seen = len(provider.looks())

        answer = call(house.url, house.key, method="GET", path=f"/v1/models/{name}")

        assert answer.status in (200, 404), name
        for look in provider.looks()[seen:]:
            assert look.startswith("/v1/models/"), look
            assert not {"..", "."} & set(look.split("/")), look
            assert "?" not in look


def test_a_models_name_may_have_a_slash(house: House, provider: rig.Provider) -> None:
    answer = call(house.url, house.key, method="GET", path="/v1/models/openai/gpt-5")

    assert answer.status == 200
    assert provider.looks()[-1] == "/v1/models/openai/gpt-5"
