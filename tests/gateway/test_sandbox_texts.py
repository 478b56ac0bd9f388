"""The sandbox answers responses and prompts as it does conversations."""

from __future__ import annotations

from typing import Any

import pytest

from gateway import tokens
from tests import rig
from tests.gateway.conftest import House
from tests.gateway.raw import call

pytestmark = pytest.mark.processes


def respond(house: House, **options: Any) -> Any:
    given = {"model": "sandbox-1", "input": "Wie geht's, «Haus»? 🏠", **options}
    return house.client().responses.create(**given)


def go_on(house: House, **options: Any) -> Any:
    given = {"model": "sandbox-1", "prompt": "Once upon", "max_tokens": 200, **options}
    return house.client().completions.create(**given)


def test_a_response_is_the_same_for_the_same_request(staging: House) -> None:
    first, second = respond(staging), respond(staging, temperature=1.3)
    other = respond(staging, instructions="Be brief.")

    assert first.output_text == second.output_text != other.output_text
    assert (first.status, first.model) == ("completed", "sandbox-1")
    assert first.id != second.id


def test_the_tokens_of_a_response_are_counted_and_priced(staging: House) -> None:
    answer = respond(staging)

    (record,) = staging.records()
    assert answer.usage.output_tokens == record.output_tokens
    assert record.output_tokens == tokens.count("sandbox-1", answer.output_text)
    assert answer.usage.input_tokens == record.input_tokens
    assert (record.kind, record.simulated) == ("actual", True)
    assert staging.budget().spent_nanos == record.cost_nanos > 0


def test_the_sdk_puts_a_streamed_response_together(staging: House) -> None:
    with staging.client().responses.stream(model="sandbox-1", input="Hello") as stream:
        kinds = [event.type for event in stream]
        streamed = stream.get_final_response()

    whole = respond(staging, input="Hello")
    assert streamed.output_text == whole.output_text
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    assert [record.streamed for record in staging.records()] == [True, False]
    assert len({record.output_tokens for record in staging.records()}) == 1


def test_a_response_is_cut_where_the_client_says(staging: House) -> None:
    short = respond(staging, max_output_tokens=7)
    *_, last = respond(staging, max_output_tokens=7, stream=True)

    assert short.incomplete_details.reason == "max_output_tokens"
    assert (short.status, last.type) == ("incomplete", "response.incomplete")
    assert last.response.output_text == short.output_text
    assert [record.output_tokens for record in staging.records()] == [7, 7]


def test_each_prompt_has_its_choices_and_the_best_are_returned(staging: House) -> None:
    answer = go_on(staging, prompt=["One", "Two"], n=2, best_of=3, max_tokens=7)

    (record,) = staging.records()
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert len({choice.text for choice in answer.choices}) == 4
    assert record.output_tokens == answer.usage.completion_tokens == 2 * 3 * 7


def test_a_streamed_completion_says_what_the_whole_one_says(staging: House) -> None:
    whole = go_on(staging)
    chunks = list(go_on(staging, stream=True))

    assert "".join(c.choices[0].text for c in chunks) == whole.choices[0].text
    assert chunks[-1].choices[0].finish_reason == "stop"
    rig.wait_until(lambda: len(staging.records()) == 2, what="one was not booked")
    first, second = staging.records()
    assert first.output_tokens == second.output_tokens


@pytest.mark.parametrize("prompt", ["Once upon", [5, 10**9, 7]])
def test_an_echo_begins_with_the_prompt(staging: House, prompt: Any) -> None:
    plain = go_on(staging, prompt=prompt)
    echoed = go_on(staging, prompt=prompt, echo=True)

    assert echoed.choices[0].text.endswith(plain.choices[0].text)
    assert len(echoed.choices[0].text) > len(plain.choices[0].text)


def test_a_completion_without_a_prompt_begins_anew(staging: House) -> None:
    body = {"model": "sandbox-1"}

    assert call(staging.url, staging.key, body, path="/v1/completions").status == 200
