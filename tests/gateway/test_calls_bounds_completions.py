"""The bound of a completion of prompts is never below its cost."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.pricing import Rates, Tokens, cost_nanos
from gateway.calls import Call, bound_nanos, read_call
from gateway.sandbox.completions import go_on
from usage.models import Endpoint

MODEL = "gpt-3.5-turbo-instruct"
RATES = Rates(1, MODEL, 1500, None, 2000, None, 4096)

texts = st.text()
ids = st.lists(st.integers(0, 100_000), min_size=1, max_size=8)
prompts = (
    texts
    | st.lists(texts, min_size=1, max_size=4)
    | ids
    | st.lists(ids, min_size=1, max_size=4)
    | st.none()
)
bodies = st.fixed_dictionaries(
    {"model": st.just(MODEL), "prompt": prompts},
    optional={
        "n": st.integers(1, 4),
        "best_of": st.integers(1, 4),
        "max_tokens": st.none() | st.integers(0, 60),
        "echo": st.booleans(),
        "suffix": texts,
        "stream": st.booleans(),
    },
)


def read(body: dict[str, Any]) -> Call:
    return read_call(Endpoint.COMPLETIONS, "/completions", orjson.dumps(body))


def ask(**change: Any) -> Call:
    return read({"model": MODEL, "prompt": "Once", **change})


def output_tokens(call: Call) -> int:
    """Return what the bound allows for output."""
    cost = bound_nanos(call, RATES) - len(call.payload) * (RATES.input_nanos or 0)
    return cost // 2000


@settings(deadline=None)
@given(body=bodies)
def test_no_completion_costs_more_than_its_bound(body: dict[str, Any]) -> None:
    call = read(body)
    usage = go_on(orjson.loads(call.payload)).usage()
    used = Tokens(input=usage["prompt_tokens"], output=usage["completion_tokens"])

    assert bound_nanos(call, RATES) >= cost_nanos(RATES, used)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"max_tokens": 100}, 100),
        ({"max_tokens": 0}, 0),
        ({"max_tokens": 99_999}, 4096),
        ({"max_tokens": 100, "n": 3}, 300),
        ({"max_tokens": 100, "best_of": 5}, 500),
        ({"max_tokens": 100, "n": 3, "best_of": 5}, 500),
        ({"max_tokens": 100, "prompt": ["a", "b"]}, 200),
        ({"max_tokens": 100, "prompt": [1, 2, 3]}, 100),
        ({"max_tokens": 100, "prompt": [[1, 2], [3]], "n": 2}, 400),
    ],
)
def test_output_is_bounded_by_length_prompts_and_choices(
    change: dict[str, Any], expected: int
) -> None:
    assert output_tokens(ask(**change)) == expected


@pytest.mark.parametrize("change", [{}, {"max_tokens": None}])
def test_the_default_length_is_sent_by_name(change: dict[str, Any]) -> None:
    """OpenAI's default is not every provider's, and the bound relies on it."""
    call = ask(**change)

    assert orjson.loads(call.payload)["max_tokens"] == 16
    assert output_tokens(call) == 16


def test_an_echo_may_be_charged_with_every_choice() -> None:
    call = ask(max_tokens=10, n=2, echo=True)

    assert output_tokens(call) == 2 * (10 + len(call.payload))
