"""Models nobody knows, models without a price, and parts that nobody can bound."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from django.utils import timezone

from billing.models import Price, PriceSource
from orgs.models import Organization
from tests import rig
from tests.gateway.conftest import House, service_key
from tests.gateway.raw import ASK, BODY, Answer, call, nothing_written

pytestmark = pytest.mark.processes

NOT_FOUND = (404, "invalid_request_error", "model_not_found")
NOT_PRICED = (400, "invalid_request_error", "model_not_priced")
NOT_BOUNDED = (400, "invalid_request_error", "request_not_bounded")
UNPRICED = "house-special"  # the provider lists it, the price list does not

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
SOUND = {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}
UNBOUNDED: list[tuple[dict[str, Any], str]] = [
    ({"messages": [*ASK, {"role": "user", "content": [SOUND]}]}, "model"),
    ({"messages": [{"role": "user", "content": ["text"]}]}, "messages[0].content"),
    ({"messages": [{"role": "assistant", "audio": {"id": "audio_1"}}]}, "model"),
    ({"web_search_options": {}}, "web_search_options"),
    ({"service_tier": "scale"}, "service_tier"),
    ({"service_tier": "flex"}, "service_tier"),
    ({"prompt_cache_options": {"ttl": "12h"}}, "prompt_cache_options"),
    ({"prompt_cache_options": "12h"}, "prompt_cache_options"),
    ({"modalities": ["text", "audio"]}, "model"),
    ({"audio": {"voice": "alloy", "format": "wav"}}, "model"),
    ({"tools": [{"type": "web_search"}]}, "tools"),
    ({"tools": ["search"]}, "tools"),
    ({"model": "house-search-1"}, "model"),
    ({"model": "house-endless"}, "max_completion_tokens"),
    ({"model": "text-embedding-3-small"}, "model"),
]


@pytest.fixture
def house(house: House) -> House:
    """Acme, and two prices that an operator added."""
    for model in ("house-search-1", "house-endless"):
        Price.objects.create(
            model=model,
            effective_from=timezone.now(),
            input_nanos=10,
            output_nanos=10,
            source=PriceSource.OPERATOR,
        )
    return house


def asked(house: House, **change: Any) -> Answer:
    return call(house.url, house.key, {**BODY, **change})


@pytest.mark.parametrize("limit", ["1", "0"])
def test_a_model_that_the_provider_does_not_list_is_not_found(
    house: House, provider: rig.Provider, limit: str
) -> None:
    house.limit(limit)

    with nothing_written(provider):
        answer = asked(house, model="no-such-model")

    assert answer.summary == NOT_FOUND
    assert answer.error["param"] == "model"
    assert "`no-such-model`" in answer.error["message"]


def test_a_model_without_a_price_is_refused_where_a_limit_applies(
    house: House, provider: rig.Provider
) -> None:
    house.limit("1000")

    with nothing_written(provider):
        answer = asked(house, model=UNPRICED)
        streamed = asked(house, model=UNPRICED, stream=True)

    assert answer.summary == streamed.summary == NOT_PRICED
    assert answer.error["param"] == "model"


def test_a_model_without_a_price_passes_where_no_limit_applies(
    house: House, provider: rig.Provider
) -> None:
    bills = len(provider.bills())

    assert asked(house, model=UNPRICED).status == 200

    (record,) = house.records()
    assert (record.model, record.cost_nanos, record.price_id) == (UNPRICED, 0, 0)
    assert (record.kind, record.output_tokens) == ("actual", 5)
    assert len(provider.bills()) == bills + 1
    assert house.holds() == []


def test_a_model_without_a_price_is_refused_where_only_credit_is_left(
    gateway: rig.Process, provider: rig.Provider, house: House
) -> None:
    house.organization.billing_profile.delete()

    with nothing_written(provider):
        assert asked(house, model=UNPRICED).summary == NOT_PRICED


@pytest.mark.parametrize("limit", [None, "1"])
def test_the_sandbox_answers_for_priced_models_only(
    staging: House, limit: str | None
) -> None:
    staging.limit(limit)

    with nothing_written():
        for model in (UNPRICED, "no-such-model", "x" * 5000):
            assert asked(staging, model=model).summary == NOT_FOUND


def test_what_cannot_be_bounded_is_refused_where_a_limit_applies(
    house: House, provider: rig.Provider
) -> None:
    house.limit("1000")

    with nothing_written(provider):
        for change, param in UNBOUNDED:
            answer = asked(house, **change)

            assert answer.summary == NOT_BOUNDED, change
            assert answer.error["param"] == param, change


def test_what_cannot_be_bounded_passes_where_no_limit_applies(
    house: House, provider: rig.Provider
) -> None:
    bills = len(provider.bills())
    orders = {"type": "text", "text": "Listen."}
    content = {"messages": [{"role": "user", "content": [orders, SOUND]}]}
    changes: list[dict[str, Any]] = [content, {"web_search_options": {}}]
    for change in changes:
        assert asked(house, **change).status == 200

    assert len(provider.bills()) == bills + 2
    assert [record.held_nanos for record in house.records()] == [0, 0]
    assert all(record.cost_nanos > 0 for record in house.records())
    assert house.budget().spent_nanos == sum(r.cost_nanos for r in house.records())


def test_an_image_is_held_at_its_most_and_charged_as_it_was_seen(house: House) -> None:
    house.limit("1")
    look = {"type": "text", "text": "Look."}
    content = [{"role": "user", "content": [look, IMAGE]}]

    assert asked(house, messages=content, max_completion_tokens=10).status == 200

    (record,) = house.records()
    # 48,169 tokens of gpt-4o-mini at 150 nano-dollars, and a few words.
    assert 48_169 * 150 < record.held_nanos < 48_500 * 150
    assert (record.kind, record.cost_nanos < 100 * 150) == ("actual", True)


def test_text_and_functions_are_bounded(house: House) -> None:
    house.limit("1000")
    function = {"type": "function", "function": {"name": "look_up"}}

    answer = asked(
        house,
        service_tier="default",
        modalities=["text"],
        tools=[function],
        messages=[{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
    )

    assert answer.status == 200


def test_an_answer_of_absurd_length_overflows_nothing(
    house: House, provider: rig.Provider
) -> None:
    absurd = {"model": "house-endless", "n": 128, "max_completion_tokens": 2**63 - 1}
    house.limit("10000000")
    with nothing_written(provider):
        answer = asked(house, **absurd)
    assert answer.summary == NOT_BOUNDED
    assert answer.error["param"] == "max_completion_tokens"

    house.limit(None)
    assert asked(house, **absurd).status == 200
    assert asked(house).status == 200


def test_production_without_a_provider_key_is_told_where_to_add_one(
    gateway: rig.Process, provider: rig.Provider, globex: Organization
) -> None:
    key = service_key(globex)

    with nothing_written(provider):
        answer = call(gateway.url, key)
        models = call(gateway.url, key, method="GET", path="/v1/models")

    expected = (400, "invalid_request_error", "provider_not_configured")
    assert answer.summary == models.summary == expected
    assert "Keys page" in answer.error["message"]


def test_the_sdk_raises_what_it_raises_for_openai(house: House) -> None:
    house.limit("1")

    with pytest.raises(openai.NotFoundError) as refusal:
        house.client().embeddings.create(model="no-such-model", input="house")

    assert refusal.value.code == "model_not_found"
