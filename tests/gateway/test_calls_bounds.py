"""The bound of a call is never below its cost: what a hold promises."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.pricing import LongContext, Rates, Tokens, cost_nanos
from core.money import LARGEST_AMOUNT_NANOS
from gateway import tokens
from gateway.calls import Call, NotBounded, bound_nanos, read_call
from gateway.sandbox import chat as sandbox
from usage.models import Endpoint

RATES = Rates(
    price_id=1,
    model="gpt-4o-mini",
    input_nanos=150,
    cached_input_nanos=75,
    output_nanos=600,
    max_output_tokens=16_384,
    context_window=128_000,
)
ENDLESS = Rates(1, "house-endless", 150, None, 600, None, None)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text() | st.floats(),
    lambda values: (
        st.lists(values, max_size=4) | st.dictionaries(st.text(), values, max_size=4)
    ),
    max_leaves=8,
)
parts = st.builds(lambda text: {"type": "text", "text": text}, st.text())
messages = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "system", "assistant", "developer", "tool"]),
        "content": st.text() | st.lists(parts, max_size=3) | st.none(),
    },
    optional={"name": st.text(), "refusal": st.text(), "tool_calls": json_values},
)
counts = st.integers(1, 3000)
bodies = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["gpt-4o-mini", "gpt-4", "gpt-3.5-turbo"]),
        "messages": st.lists(messages, min_size=1, max_size=4),
    },
    optional={
        "n": st.integers(1, 128),
        "max_tokens": counts,
        "max_completion_tokens": counts,
        "stream": st.booleans(),
        "user": st.text(),
    },
)


def chat(**change: Any) -> Call:
    """Read a chat request."""
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
    return read(body | change)


def read(body: dict[str, Any], endpoint: Endpoint = Endpoint.CHAT_COMPLETIONS) -> Call:
    return read_call(endpoint, "/chat/completions", orjson.dumps(body))


def output_cost(call: Call, rates: Rates = RATES) -> int:
    """Return what the bound allows for output."""
    return bound_nanos(call, rates) - len(call.payload) * (rates.input_nanos or 0)


@settings(deadline=None)
@given(body=bodies)
def test_no_conversation_costs_more_than_its_bound(body: dict[str, Any]) -> None:
    """The input as a real tokenizer counts it, the output as long as is allowed."""
    call = read(body)
    limits = [body.get("max_tokens"), body.get("max_completion_tokens")]
    longest = max((n for n in limits if n), default=RATES.max_output_tokens)
    assert longest is not None
    used = Tokens(
        input=sandbox.count_input(call.model, call.body["messages"]),
        output=longest * body.get("n", 1),
    )

    assert bound_nanos(call, RATES) >= cost_nanos(RATES, used)


@settings(deadline=None)
@given(body=bodies)
def test_the_sandbox_never_charges_more_than_the_bound(body: dict[str, Any]) -> None:
    call = read(body | {"n": 1})
    usage = sandbox.complete(orjson.loads(call.payload)).usage()
    used = Tokens(input=usage["prompt_tokens"], output=usage["completion_tokens"])

    assert bound_nanos(call, RATES) >= cost_nanos(RATES, used)


def test_numbers_do_not_make_the_sandbox_count_more_than_was_sent() -> None:
    numbers = b",".join([b"1e15"] * 500)
    raw = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"","x":[%s]}]}'
    call = read_call(Endpoint.CHAT_COMPLETIONS, "/chat/completions", raw % numbers)

    counted = sandbox.count_input(call.model, call.body["messages"])

    assert counted <= len(call.payload)


@settings(deadline=None)
@given(
    texts=st.text(min_size=1) | st.lists(st.text(min_size=1), min_size=1, max_size=5)
)
def test_no_embedding_costs_more_than_its_bound(texts: str | list[str]) -> None:
    model = "text-embedding-3-small"
    call = read({"model": model, "input": texts}, Endpoint.EMBEDDINGS)
    listed = [texts] if isinstance(texts, str) else texts
    used = Tokens(input=sum(tokens.count(model, text) for text in listed))

    assert bound_nanos(call, RATES) >= cost_nanos(RATES, used)


@given(ids=st.lists(st.integers(0, 200_000), min_size=1, max_size=50))
def test_an_embedding_of_token_ids_is_bounded_by_their_digits(ids: list[int]) -> None:
    body = {"model": "text-embedding-3-small", "input": ids}
    call = read(body, Endpoint.EMBEDDINGS)

    assert bound_nanos(call, RATES) >= len(ids) * (RATES.input_nanos or 0)


def test_input_is_bounded_at_its_dearest_rate() -> None:
    dear = Rates(1, "m", 100, 250, 0, 10, None)
    call = chat()

    assert bound_nanos(call, dear) == len(call.payload) * 250


def test_a_body_that_may_be_a_long_context_is_bounded_at_its_rates() -> None:
    long = Rates(1, "m", 300, None, 900, 10, None)
    call, longer = chat(), chat(user="u")
    rates = replace(RATES, long_context=LongContext(len(call.payload), long))

    assert bound_nanos(call, rates) == bound_nanos(call, RATES)
    assert bound_nanos(longer, rates) == len(longer.payload) * 300 + 16_384 * 900


def test_the_bound_counts_what_goes_to_the_provider() -> None:
    """A stream is asked for its usage, so more goes out than came in."""
    call = chat(stream=True, max_tokens=1)

    assert b"include_usage" in call.payload
    assert output_cost(call) == 600


@pytest.mark.parametrize(
    ("change", "output_tokens"),
    [
        ({}, 16_384),
        ({"max_tokens": 100}, 100),
        ({"max_completion_tokens": 100}, 100),
        ({"max_tokens": 100, "max_completion_tokens": 300}, 300),
        ({"max_tokens": 300, "max_completion_tokens": 100}, 300),
        ({"max_tokens": None, "max_completion_tokens": 100}, 100),
        ({"max_completion_tokens": 99_999}, 16_384),
        ({"max_tokens": 100, "n": 3}, 300),
        ({"n": 128}, 16_384 * 128),
    ],
)
def test_output_is_bounded_by_what_is_allowed_times_choices(
    change: dict[str, Any], output_tokens: int
) -> None:
    assert output_cost(chat(**change)) == output_tokens * 600


def test_the_context_window_bounds_an_answer_of_unknown_maximum() -> None:
    rates = Rates(1, "m", 150, None, 600, None, 8192)

    assert output_cost(chat(), rates) == 8192 * 600
    assert output_cost(chat(max_tokens=10), rates) == 10 * 600


def test_a_prediction_may_be_charged_once_more_as_output() -> None:
    plain = chat(max_tokens=10)
    predicted = chat(max_tokens=10, prediction={"type": "content", "content": "Hi"})

    assert output_cost(plain) == 10 * 600
    assert output_cost(predicted) == (10 + len(predicted.payload)) * 600


def test_an_answer_of_unknown_length_has_no_bound() -> None:
    with pytest.raises(NotBounded) as refusal:
        bound_nanos(chat(), ENDLESS)

    assert refusal.value.param == "max_completion_tokens"
    assert output_cost(chat(max_tokens=10), ENDLESS) == 10 * 600


def test_a_model_without_an_output_price_has_no_bound_for_an_answer() -> None:
    rates = Rates(1, "text-embedding-3-small", 20, None, None, None, 8192)

    with pytest.raises(NotBounded, match="no output price"):
        bound_nanos(chat(), rates)


@given(n=st.integers(1, 128), most=st.integers(1, 2**63 - 1))
def test_a_bound_is_never_larger_than_the_largest_amount(n: int, most: int) -> None:
    call = chat(n=n, max_completion_tokens=most)
    allowed = len(call.payload) * 150 + most * n * 600

    if allowed <= LARGEST_AMOUNT_NANOS:
        assert bound_nanos(call, ENDLESS) == allowed
    else:
        with pytest.raises(NotBounded, match="smaller max_completion_tokens"):
            bound_nanos(call, ENDLESS)


@pytest.mark.parametrize(
    "value", [[{"image_url": "https://host.example/a.png"}], [["text"]], [1.5]]
)
def test_embeddings_of_anything_but_text_are_not_bounded(value: Any) -> None:
    body = orjson.dumps({"model": "gpt-4o-mini", "input": value})
    call = read_call(Endpoint.EMBEDDINGS, "/embeddings", body)

    with pytest.raises(NotBounded):
        bound_nanos(call, RATES)


@pytest.mark.parametrize("value", ["a", ["a", "b"], [1, 2], [[1], [2, 3]]])
def test_embeddings_of_text_and_tokens_are_bounded_by_their_bytes(value: Any) -> None:
    body = orjson.dumps({"model": "gpt-4o-mini", "input": value})
    call = read_call(Endpoint.EMBEDDINGS, "/embeddings", body)

    assert bound_nanos(call, RATES) == len(call.payload) * (RATES.input_nanos or 0)
