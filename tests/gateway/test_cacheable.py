"""Which requests have one answer, and what makes two of them the same."""

from __future__ import annotations

from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cacheable import canonical
from gateway.calls import read_call
from tests.gateway.test_calls_bounds import bodies
from usage.models import Endpoint

PATHS = {
    Endpoint.CHAT_COMPLETIONS: "/chat/completions",
    Endpoint.RESPONSES: "/responses",
}
MESSAGES = [{"role": "user", "content": "Say something."}]
ASK = {"model": "gpt-4o-mini", "messages": MESSAGES, "temperature": 0}
RESPOND = {"model": "gpt-5", "input": "a", "temperature": 0, "store": False}


def of(body: dict[str, Any]) -> bytes | None:
    endpoint = Endpoint.CHAT_COMPLETIONS if "messages" in body else Endpoint.RESPONSES
    return canonical(read_call(endpoint, PATHS[endpoint], orjson.dumps(body)))


@given(bodies, st.randoms())
def test_two_writings_of_one_request_are_the_same(
    body: dict[str, Any], chance: Random
) -> None:
    asked = {**body, "temperature": 0}
    names = list(asked)
    chance.shuffle(names)

    assert of({name: asked[name] for name in names}) == of(asked)


@given(bodies, bodies)
def test_two_requests_that_differ_are_not_the_same(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    asked = [{**body, "temperature": 0} for body in (one, other)]
    counts = [{k: v for k, v in body.items() if k != "user"} for body in asked]

    if counts[0] != counts[1] and of(asked[0]) is not None:
        assert of(asked[0]) != of(asked[1])


@pytest.mark.parametrize(
    "more",
    [
        {"temperature": 1},
        {"temperature": None},
        {"temperature": False},
        {"temperature": "0"},
        {"temperature": 1, "seed": True},
        {"store": True},
        {"tools": [{"type": "web_search"}]},
        {"tools": ["function"]},
        {"web_search_options": {"search_context_size": "low"}},
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": {"url": "x"}}],
                }
            ]
        },
    ],
)
def test_a_completion_that_may_change_has_no_one_answer(more: dict[str, Any]) -> None:
    assert of({**ASK, **more}) is None


@pytest.mark.parametrize(
    "more",
    [
        {"store": None},
        {"store": True},
        {"background": True},
        {"previous_response_id": "resp_1"},
        {"conversation": "conv_1"},
        {"prompt": {"id": "pmpt_1"}},
    ],
)
def test_a_response_that_is_kept_elsewhere_has_no_one_answer(
    more: dict[str, Any],
) -> None:
    assert of(RESPOND) is not None
    assert of({**RESPOND, **more}) is None


@pytest.mark.parametrize(
    "more", [{"user": "ada"}, {"metadata": {"a": "b"}}, {"safety_identifier": "x"}]
)
def test_who_asks_does_not_count(more: dict[str, Any]) -> None:
    assert of({**ASK, **more}) == of(ASK)


@pytest.mark.parametrize(
    "more",
    [{"n": 2}, {"stream": True}, {"top_p": 0.5}, {"model": "gpt-5"}, {"seed": 1}],
)
def test_what_is_asked_counts(more: dict[str, Any]) -> None:
    assert of({**ASK, **more}) not in (None, of(ASK))
