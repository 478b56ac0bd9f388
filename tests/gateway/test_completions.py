"""Completions of prompts through the official SDK are answered and booked."""

from __future__ import annotations

from typing import Any

import pytest

from billing.models import Price
from tests import rig
from tests.gateway.conftest import House
from tests.gateway.raw import call, nothing_written

pytestmark = pytest.mark.processes

MODEL = "gpt-3.5-turbo-instruct"


def test_a_completion_is_answered_and_charged_what_it_used(
    house: House, provider: rig.Provider
) -> None:
    house.limit("1")
    answer = house.client().completions.create(
        model=MODEL, prompt='{"output": 3}', best_of=2
    )

    assert answer.usage is not None
    (record,) = house.records()
    price = Price.objects.get(pk=record.price_id)
    assert price.input_nanos is not None
    assert price.output_nanos is not None
    assert answer.choices[0].text == "word " * 3
    assert (record.endpoint, record.kind) == ("completions", "actual")
    assert record.output_tokens == answer.usage.completion_tokens == 6
    assert (
        house.budget().spent_nanos
        == record.cost_nanos
        == (record.input_tokens * price.input_nanos + 6 * price.output_nanos)
    )
    assert provider.bills()[-1]["path"] == "/v1/completions"
    assert house.holds() == []


@pytest.mark.parametrize("asks", [False, True])
def test_a_stream_is_charged_and_its_usage_left_to_those_who_ask(
    house: House, asks: bool
) -> None:
    options: dict[str, Any] = {"stream_options": {"include_usage": True}}
    with house.client().completions.create(
        model=MODEL, prompt="Once", stream=True, **(options if asks else {})
    ) as stream:
        chunks = list(stream)

    assert "".join(c.choices[0].text for c in chunks if c.choices) == "word " * 5
    assert [chunk.usage is not None for chunk in chunks].count(True) == asks
    rig.wait_until(lambda: len(house.records()) == 1, what="nothing was booked")
    (record,) = house.records()
    assert (record.output_tokens, record.kind, record.streamed) == (5, "actual", True)


def test_the_default_length_is_what_is_held_and_what_is_asked_for(
    house: House, provider: rig.Provider
) -> None:
    house.client().completions.create(model=MODEL, prompt='{"output": 900}')

    (record,) = house.records()
    assert provider.bills()[-1]["usage"]["completion_tokens"] == 16
    assert record.cost_nanos <= record.held_nanos


def test_a_completion_over_the_limit_is_refused(
    house: House, provider: rig.Provider
) -> None:
    house.limit("0.000001")
    body = {"model": MODEL, "prompt": "Once"}

    with nothing_written(provider):
        answer = call(house.url, house.key, body, path="/v1/completions")

    assert answer.summary[1:] == (
        "insufficient_quota",
        "organization_spend_limit_exceeded",
    )
    assert "set a smaller max_tokens" in answer.error["message"]
