"""Responses through the official SDK are answered, and booked to the token."""

from __future__ import annotations

from typing import Any

import openai
import orjson
import pytest

from tests import rig
from tests.gateway.conftest import House
from tests.gateway.raw import call, nothing_written
from tests.gateway.test_calls_are_booked import rate

pytestmark = pytest.mark.processes

MODEL = "gpt-4o-mini"
RESPONSES = "/v1/responses"


def order(**orders: Any) -> dict[str, Any]:
    """Return a request that tells the provider what to do."""
    text = orjson.dumps(orders).decode()
    return {"model": MODEL, "input": text, "max_output_tokens": 50}


def read_stream(house: House, **orders: Any) -> list[Any]:
    with house.client().responses.create(**order(**orders), stream=True) as stream:
        return list(stream)


def assert_charged_at_the_bound(house: House, outcome: str) -> None:
    (record,) = house.records()
    assert (record.kind, record.outcome) == ("estimated", outcome)
    assert record.cost_nanos == record.held_nanos > 0
    assert house.budget().spent_nanos == record.cost_nanos
    assert house.holds() == []


def test_a_response_is_answered_and_charged_what_it_used(
    house: House, provider: rig.Provider
) -> None:
    house.limit("1")
    answer = house.client().responses.create(**order(cached=4, output=3, reasoning=2))

    assert answer.usage is not None
    price = rate(MODEL)
    (record,) = house.records()
    assert (record.endpoint, record.kind) == ("responses", "actual")
    assert record.input_tokens == answer.usage.input_tokens
    assert (record.cached_input_tokens, record.reasoning_tokens) == (4, 2)
    assert record.cost_nanos == (
        (record.input_tokens - 4) * price.input_nanos
        + 4 * price.cached_input_nanos
        + 3 * price.output_nanos
    )
    assert house.budget().spent_nanos == record.cost_nanos < record.held_nanos
    assert provider.bills()[-1]["path"] == RESPONSES
    assert house.holds() == []


@pytest.mark.parametrize("ends", ["completed", "incomplete", "failed"])
def test_a_stream_is_passed_on_and_charged_by_its_last_event(
    house: House, ends: str
) -> None:
    events = read_stream(house, output=4, ends=ends)

    kinds = [event.type for event in events]
    assert kinds == [
        "response.created",
        *["response.output_text.delta"] * 4,
        f"response.{ends}",
    ]
    (record,) = house.records()
    assert (record.kind, record.outcome) == ("actual", "succeeded")
    assert (record.output_tokens, record.streamed) == (4, True)
    assert record.input_tokens == events[-1].response.usage.input_tokens


@pytest.mark.parametrize("streamed", [False, True])
def test_a_response_without_usage_is_charged_at_the_bound(
    house: House, streamed: bool
) -> None:
    house.limit("1")
    body = {**order(usage=False, ends="failed"), "stream": streamed}

    assert call(house.url, house.key, body, path=RESPONSES).status == 200

    assert_charged_at_the_bound(house, "succeeded")


def test_a_stream_that_breaks_off_ends_in_an_error_and_is_charged_at_the_bound(
    house: House,
) -> None:
    house.limit("1")

    with pytest.raises(openai.APIError, match="broke off"):
        read_stream(house, output=9, drop_after=3)

    assert_charged_at_the_bound(house, "provider_lost")


def test_a_client_that_leaves_is_charged_what_the_provider_bills(
    house: House, provider: rig.Provider
) -> None:
    body = order(output=20, pause_s=0.02)
    with house.client().responses.create(**body, stream=True) as stream:
        next(iter(stream))

    rig.wait_until(lambda: len(house.records()) == 1)
    (record,) = house.records()
    assert (record.kind, record.outcome) == ("actual", "client_left")
    assert record.output_tokens == 20
    assert record.input_tokens == provider.bills()[-1]["usage"]["prompt_tokens"]


def test_what_the_provider_keeps_is_held_at_all_that_the_model_can_read(
    house: House,
) -> None:
    house.limit("1000")
    kept = {**order(), "previous_response_id": "resp_1"}
    assert call(house.url, house.key, kept, path=RESPONSES).status == 200

    (record,) = house.records()
    assert record.held_nanos >= 400_000 * 1250 > record.cost_nanos > 0


def test_what_may_bring_tools_with_fees_is_refused_where_a_limit_applies(
    house: House, provider: rig.Provider
) -> None:
    kept = {**order(), "prompt": {"id": "pmpt_1"}}
    house.limit("1000")
    with nothing_written(provider):
        answer = call(house.url, house.key, kept, path=RESPONSES)
    expected = (400, "invalid_request_error", "request_not_bounded")
    assert answer.summary == expected
    assert answer.error["param"] == "prompt"

    house.limit(None)
    assert call(house.url, house.key, kept, path=RESPONSES).status == 200
    assert house.records()[0].cost_nanos > 0


def test_a_response_over_the_limit_is_refused_and_says_how_to_shorten_it(
    house: House, provider: rig.Provider
) -> None:
    house.limit("0.000001")

    with nothing_written(provider), pytest.raises(openai.RateLimitError) as refusal:
        house.client().responses.create(**order())

    assert refusal.value.code == "organization_spend_limit_exceeded"
    assert "set a smaller max_output_tokens" in str(refusal.value)
