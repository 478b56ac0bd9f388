"""Requests that look cheaper than they are are held at what they may cost, or not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from billing.price_book import PriceBook
from billing.pricing import Rates
from gateway.calls import NotBounded, bound_nanos, read_call
from gateway.calls.tiers import rates_answered_with, rates_asked_for
from gateway.errors import ApiError
from usage.models import Endpoint

AT = datetime(2026, 11, 1, tzinfo=UTC)
RATES = Rates(1, "gpt-4o", 2_500, 1_250, 10_000, 16_384, 128_000)
CHEAP = Rates(2, "gpt-4o", 1_250, 625, 5_000, 16_384, 128_000, tier="flex")
BOOK = PriceBook([("gpt-4o", AT, RATES), ("gpt-4o", AT, CHEAP)])
SEEN = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}


def chat(content: Any = "Hi", **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": content}]
    return {"model": "gpt-4o", "messages": messages, **more}


def bound(
    body: dict[str, Any],
    endpoint: Endpoint = Endpoint.CHAT_COMPLETIONS,
    rates: Rates = RATES,
) -> int:
    return bound_nanos(read_call(endpoint, "/x", orjson.dumps(body)), rates)


@pytest.mark.parametrize(
    "body",
    [
        chat([{"type": "text", "Type": "image_url", "text": "a"}]),
        chat([{**SEEN, "image_url": {"detail": "low", "Detail": "high", "url": "a"}}]),
        chat(Messages=[]),
        {"model": "gpt-4o", "messages": [{"role": "user", "Content": [SEEN]}]},
        chat(tools=[{"type": "function", "TYPE": "web_search"}]),
        chat(prompt_cache_options={"TTL": "24h"}),
        chat(stream=True, stream_options={"Include_Usage": False}),
        chat([{"type": "text", "ima\u0261e_url": "x", "text": "a", "tYpe": "file"}]),
    ],
)
def test_names_that_a_provider_may_take_for_others_are_refused(body: Any) -> None:
    with pytest.raises(ApiError) as refused:
        bound(body)

    assert refused.value.status == 400
    assert "Write '" in refused.value.message


def test_items_of_a_response_are_looked_into_as_well() -> None:
    part = {"type": "input_text", "Type": "input_file", "text": "a"}
    item = {"role": "user", "content": [part]}

    with pytest.raises(ApiError, match="Write 'type'"):
        bound({"model": "gpt-4o", "input": [item]}, Endpoint.RESPONSES)


def test_names_of_the_clients_own_are_left_alone() -> None:
    schema = {"type": "object", "properties": {"Type": {"type": "string"}, "URL": {}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}

    assert bound(chat(tools=[tool], metadata={"Role": "x", "Content": "y"})) > 0


def test_what_is_nested_deeper_than_anything_is_read_is_only_text() -> None:
    content: Any = "a"
    for _ in range(60):
        content = [{"type": "text", "content": content}]

    assert bound(chat(content)) > 0


@pytest.mark.parametrize(
    "endpoint", [Endpoint.EMBEDDINGS, Endpoint.MODERATIONS, Endpoint.COMPLETIONS]
)
def test_a_tier_without_a_price_has_no_bound_at_any_endpoint(
    endpoint: Endpoint,
) -> None:
    body = {"model": "gpt-4o", "input": "a", "prompt": "a", "service_tier": "priority"}

    with pytest.raises(NotBounded) as refused:
        bound(body, endpoint)

    assert refused.value.param == "service_tier"


def test_a_cheaper_tier_is_held_at_the_standard_price_until_it_is_served() -> None:
    body = chat(service_tier="flex")
    held = rates_asked_for(body, BOOK, AT)

    assert held is not None
    assert bound(body, rates=held) == bound(chat(service_xxxx="flex"))
    assert held.price_id == RATES.price_id
    assert rates_answered_with("flex", held, "gpt-4o", BOOK, AT) == CHEAP
    assert rates_answered_with("default", held, "gpt-4o", BOOK, AT) == RATES


def test_each_image_of_a_list_is_counted() -> None:
    text = Rates(1, "gpt-image-1", 5_000, None, 40_000, None, None)
    rates = replace(text, image_input_nanos=10_000, image_output_nanos=40_000)
    body = {"model": "gpt-image-1", "prompt": "a", "size": "1024x1024"}

    one = bound(body | {"image": ["u"]}, Endpoint.IMAGES_EDITS, rates)
    ten = bound(body | {"image": ["u"] * 10}, Endpoint.IMAGES_EDITS, rates)

    assert ten - one > 9 * 581 * 10_000


@pytest.mark.parametrize("model", ["ft:gpt-4o-mini-2024-07-18:acme", "x/gpt-4o-mini"])
def test_a_small_model_charges_images_dearly_under_any_name(model: str) -> None:
    tiles_of_eighty = 80 * (2833 + 8 * 5667)
    body = chat([SEEN] * 80, max_tokens=1) | {"model": model}

    assert bound(body) >= min(tiles_of_eighty, 128_000 * 34) * 2_500


def test_moderation_within_a_chat_has_no_price() -> None:
    with pytest.raises(NotBounded):
        bound(chat(moderation={"model": "omni-moderation-latest"}))


def test_instructions_are_a_text() -> None:
    body = {"model": "gpt-4o", "input": "a", "instructions": [SEEN]}

    with pytest.raises(ApiError):
        bound(body, Endpoint.RESPONSES)


@pytest.mark.parametrize(
    "change",
    [
        {"n": 1.0},
        {"n": True},
        {"n": "2"},
        {"n": 0},
        {"n": 129},
        {"max_tokens": True},
        {"max_tokens": 1e3},
        {"max_tokens": -1},
        {"max_completion_tokens": "9"},
        {"stream": 1},
        {"stream_options": [1]},
        {"tools": {"type": "web_search"}},
        {"modalities": "audio"},
    ],
)
def test_counts_and_lists_of_another_type_are_refused(change: Any) -> None:
    with pytest.raises(ApiError) as refused:
        bound(chat(**change))

    assert refused.value.status == 400


@pytest.mark.parametrize(
    "number", [b"18446744073709551616", b"1e999", b"NaN", b"1.0", b"-0.5"]
)
def test_numbers_that_are_no_counts_are_refused(number: bytes) -> None:
    raw = orjson.dumps(chat(max_tokens=7)).replace(b":7}", b":" + number + b"}")

    with pytest.raises(ApiError):
        read_call(Endpoint.CHAT_COMPLETIONS, "/x", raw)


def test_of_a_name_given_twice_the_bound_is_of_what_is_sent() -> None:
    raw = orjson.dumps(chat(n=1)).removesuffix(b"}") + b',"n":3}'
    call = read_call(Endpoint.CHAT_COMPLETIONS, "/x", raw)

    assert call.payload.count(b'"n":') == 1
    assert bound_nanos(call, RATES) == (len(call.payload) * 2_500 + 3 * 16_384 * 10_000)
