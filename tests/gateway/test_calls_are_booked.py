"""Requests through the official SDK are answered, and booked to the token."""

from __future__ import annotations

from typing import Any

import pytest

from billing.models import Price
from tests import rig
from tests.gateway.conftest import House

pytestmark = pytest.mark.processes

ASK: list[Any] = [{"role": "user", "content": "Say something."}]


def rate(model: str) -> Any:
    """Return a price, whose rates may each be null: not those that are tested."""
    return Price.objects.filter(model=model, service_tier="").latest("effective_from")


def asking(content: str) -> list[Any]:
    return [{"role": "user", "content": content}]


def test_a_completion_is_answered_and_charged_what_it_used(house: House) -> None:
    answer = house.client().chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=ASK
    )

    usage = answer.parse().usage
    assert usage is not None
    price = rate("gpt-4o-mini")
    cost = (
        usage.prompt_tokens * price.input_nanos
        + usage.completion_tokens * price.output_nanos
    )
    (record,) = house.records()
    assert (record.kind, record.outcome) == ("actual", "succeeded")
    assert record.cost_nanos == cost
    assert (house.budget().spent_nanos, house.budget().held_nanos) == (cost, 0)
    assert float(answer.headers["x-tokenhouse-cost-usd"]) == cost / 1e9
    assert answer.headers["openai-organization"] == house.organization.public_id
    assert answer.headers["x-request-id"] == f"req_{record.event_id.hex}"
    assert house.holds() == []


def test_a_stream_is_passed_on_and_charged(house: House) -> None:
    with house.client().chat.completions.create(
        model="gpt-4o-mini", messages=ASK, stream=True
    ) as stream:
        chunks = list(stream)

    text = "".join(c.choices[0].delta.content or "" for c in chunks)
    assert text == "word " * 5
    assert all(chunk.usage is None for chunk in chunks), "nobody asked for usage"
    # A stream's last event is on its way before its settlement is committed.
    rig.wait_until(lambda: bool(house.records()), what="nothing was booked")
    (record,) = house.records()
    assert (record.output_tokens, record.kind, record.streamed) == (5, "actual", True)
    assert record.first_token_ms is not None


def test_the_usage_chunk_is_left_to_those_who_ask(house: House) -> None:
    with house.client().chat.completions.create(
        model="gpt-4o-mini",
        messages=ASK,
        stream=True,
        stream_options={"include_usage": True},
    ) as stream:
        chunks = list(stream)

    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 5


def test_an_embedding_is_charged_for_its_input(house: House) -> None:
    answer = house.client().embeddings.create(
        model="text-embedding-3-small", input="house"
    )

    (record,) = house.records()
    price = rate("text-embedding-3-small")
    assert record.cost_nanos == answer.usage.prompt_tokens * price.input_nanos
    assert record.endpoint == "embeddings"


def test_cached_input_is_charged_at_its_own_rate(house: House) -> None:
    content = '{"cached": 4, "output": 1}'
    house.client().chat.completions.create(
        model="gpt-4o-mini", messages=asking(content)
    )

    (record,) = house.records()
    price = rate("gpt-4o-mini")
    assert record.cached_input_tokens == 4
    assert record.cost_nanos == (
        (record.input_tokens - 4) * price.input_nanos
        + 4 * price.cached_input_nanos
        + price.output_nanos
    )


def test_cache_writes_are_charged_at_their_own_rate(house: House) -> None:
    house.limit("5")
    content = '{"cached": 2, "written": 3, "output": 1}'
    house.client().chat.completions.create(
        model="gpt-6-sol",
        messages=asking(content),
        max_completion_tokens=10,
    )

    (record,) = house.records()
    price = rate("gpt-6-sol")
    assert (record.kind, record.cache_write_tokens) == ("actual", 3)
    assert record.cost_nanos == (
        (record.input_tokens - 5) * price.input_nanos
        + 2 * price.cached_input_nanos
        + 3 * price.cache_write_nanos
        + price.output_nanos
    )


def test_the_provider_sees_its_own_key_and_no_organization(
    house: House, provider: rig.Provider
) -> None:
    seen = len(provider.bills())
    house.client(organization=house.organization.public_id).chat.completions.create(
        model="gpt-4o-mini", messages=ASK
    )

    (bill,) = provider.bills()[seen:]
    assert bill["authorization"] == "Bearer sk-provider-secret"
    assert bill["organization"] == ""
    assert bill["path"] == "/v1/chat/completions"


def test_the_provider_lists_its_models(house: House) -> None:
    names = [model.id for model in house.client().models.list()]

    assert "house-special" in names
