"""The bound of a response is never below its cost, and says what it cannot bound."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.pricing import Rates, Tokens, cost_nanos
from gateway.calls import Call, NotBounded, bound_nanos, read_call
from gateway.sandbox.responses import respond
from usage.models import Endpoint

RATES = Rates(1, "gpt-5", 1250, 125, 10_000, 128_000, 400_000)
ENDLESS = Rates(1, "house-endless", 1250, None, 10_000, None, None)

parts = st.builds(
    lambda kind, text: {"type": kind, "text": text},
    st.sampled_from(["input_text", "output_text"]),
    st.text(),
)
messages = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "system", "assistant", "developer"]),
        "content": st.text() | st.lists(parts, max_size=3),
    },
    optional={"type": st.just("message"), "id": st.text(), "status": st.text()},
)
tool_calls = st.fixed_dictionaries(
    {
        "type": st.just("function_call"),
        "call_id": st.text(),
        "name": st.text(),
        "arguments": st.text(),
    }
)
tool_outputs = st.fixed_dictionaries(
    {
        "type": st.just("function_call_output"),
        "call_id": st.text(),
        "output": st.text() | st.lists(parts, max_size=2),
    }
)
bodies = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["gpt-5", "gpt-4o-mini", "gpt-4"]),
        "input": st.text() | st.lists(messages | tool_calls | tool_outputs, max_size=4),
    },
    optional={
        "instructions": st.text(),
        "max_output_tokens": st.integers(1, 3000),
        "stream": st.booleans(),
    },
)


def ask(**change: Any) -> Call:
    return read({"model": "gpt-5", "input": "Hi", **change})


def read(body: dict[str, Any]) -> Call:
    return read_call(Endpoint.RESPONSES, "/responses", orjson.dumps(body))


def output_cost(call: Call, rates: Rates = RATES) -> int:
    return bound_nanos(call, rates) - len(call.payload) * (rates.input_nanos or 0)


@settings(deadline=None)
@given(body=bodies)
def test_no_response_costs_more_than_its_bound(body: dict[str, Any]) -> None:
    """The input as a real tokenizer counts it, the output as long as is allowed."""
    call = read(body)
    usage = respond(orjson.loads(call.payload)).usage()
    longest: int = body.get("max_output_tokens") or 128_000
    used = Tokens(input=usage["input_tokens"], output=longest)

    assert usage["output_tokens"] <= longest
    assert bound_nanos(call, RATES) >= cost_nanos(RATES, used)


@pytest.mark.parametrize(
    ("change", "output_tokens"),
    [
        ({}, 128_000),
        ({"max_output_tokens": 100}, 100),
        ({"max_output_tokens": 900_000}, 128_000),
        ({"max_tokens": 100}, 128_000),
        ({"max_completion_tokens": 100}, 128_000),
    ],
)
def test_only_its_own_length_bounds_a_response(
    change: dict[str, Any], output_tokens: int
) -> None:
    assert output_cost(ask(**change)) == output_tokens * 10_000


def test_a_response_of_unknown_length_has_no_bound() -> None:
    with pytest.raises(NotBounded) as refusal:
        bound_nanos(ask(), ENDLESS)

    assert refusal.value.param == "max_output_tokens"
    assert output_cost(ask(max_output_tokens=10), ENDLESS) == 10 * 10_000


def test_a_stream_goes_out_as_it_came() -> None:
    """It reports its usage unasked; another option would be refused."""
    call = ask(stream=True)

    assert (call.streamed, call.wants_usage) == (True, True)
    assert orjson.loads(call.payload) == {
        "model": "gpt-5",
        "input": "Hi",
        "stream": True,
    }


UNBOUNDED: list[tuple[dict[str, Any], str]] = [
    ({"prompt": {"id": "pmpt_1"}}, "prompt"),
    ({"background": True}, "background"),
    ({"context_management": [{"type": "compaction"}]}, "context_management"),
    ({"moderation": {"model": "omni-moderation-latest"}}, "moderation"),
    ({"image": {}}, "image"),
    ({"reasoning": {"mode": "pro"}}, "reasoning"),
    ({"service_tier": "priority"}, "service_tier"),
    ({"prompt_cache_options": {"ttl": "12h"}}, "prompt_cache_options"),
    ({"tools": [{"type": "web_search"}]}, "tools"),
    ({"tools": [{"type": "mcp", "server_url": "https://mcp.example"}]}, "tools"),
    ({"tools": ["code_interpreter"]}, "tools"),
    ({"model": "house-search-1"}, "model"),
    ({"input": [{"role": "user", "content": ["Hi"]}]}, "input[0].content"),
    ({"input": [{"role": "user", "content": [{"type": "hum"}]}]}, "input[0].content"),
    ({"input": [{"role": "user"}]}, "input[0].content"),
    ({"input": [{"type": ["message"]}]}, "input[0]"),
    ({"input": [{"type": "mcp_approval_response", "approve": True}]}, "input[0]"),
    ({"input": [{"type": "additional_tools", "tools": []}]}, "input[0]"),
    ({"input": [{"type": "compaction_trigger"}]}, "input[0]"),
]


@pytest.mark.parametrize(("change", "param"), UNBOUNDED)
def test_what_may_cost_more_than_tokens_has_no_bound(
    change: dict[str, Any], param: str
) -> None:
    with pytest.raises(NotBounded) as refusal:
        bound_nanos(ask(max_output_tokens=10, **change), RATES)

    assert refusal.value.param == param


def test_texts_and_own_tools_are_bounded() -> None:
    call = ask(
        max_output_tokens=10,
        background=False,
        reasoning={"effort": "low"},
        tools=[
            {"type": "function", "name": "look_up"},
            {"type": "custom", "name": "c"},
        ],
        input=[
            {"role": "user", "content": "Hi"},
            {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "1", "output": "1"},
            {"type": "custom_tool_call", "call_id": "2", "name": "c", "input": "x"},
        ],
    )

    assert output_cost(call) == 10 * 10_000
