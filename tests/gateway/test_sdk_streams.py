"""The official SDK's own streaming and parsing helpers work on the gateway."""

from __future__ import annotations

from typing import Any

import openai
import orjson
import pydantic
import pytest

from tests import rig
from tests.gateway.conftest import House

pytestmark = pytest.mark.processes

MODEL = "gpt-4o-mini"
OSLO = '{"city": "Oslo", "degrees": 4}'


class Weather(pydantic.BaseModel):
    """What the model is asked to answer with."""

    city: str
    degrees: int


class WeatherTool(pydantic.BaseModel):
    """Arguments of a tool."""

    city: str


TOOLS = [openai.pydantic_function_tool(WeatherTool, name="weather")]


def order(shape: str, **orders: Any) -> str:
    return orjson.dumps({"shape": shape, **orders}).decode()


def chat(shape: str, **orders: Any) -> dict[str, Any]:
    message = {"role": "user", "content": order(shape, **orders)}
    return {"model": MODEL, "messages": [message]}


def assert_booked(house: House) -> None:
    """It was metered, though it was no plain text."""
    rig.wait_until(lambda: bool(house.records()), what="nothing was booked")
    (record,) = house.records()
    assert (record.kind, record.outcome) == ("actual", "succeeded")
    assert (record.output_tokens, house.holds()) == (5, [])


def test_a_chats_helper_accumulates_text(house: House) -> None:
    with house.client().chat.completions.stream(**chat("text", says=OSLO)) as stream:
        kinds = [event.type for event in stream]
        completion = stream.get_final_completion()

    assert {"chunk", "content.delta", "content.done"} == set(kinds)
    assert completion.choices[0].message.content == OSLO
    assert completion.usage is None, "nobody asked for usage"
    assert_booked(house)


def test_a_chats_helper_ends_with_the_usage_that_was_asked_for(house: House) -> None:
    asked: Any = {**chat("text", says=OSLO), "stream_options": {"include_usage": True}}
    with house.client().chat.completions.stream(**asked) as stream:
        usage = stream.get_final_completion().usage

    assert usage is not None
    assert usage.completion_tokens == 5


def test_a_chats_helper_parses_structured_output(house: House) -> None:
    asked = chat("text", says=OSLO)
    client = house.client()
    with client.chat.completions.stream(**asked, response_format=Weather) as stream:
        completion = stream.get_final_completion()

    assert completion.choices[0].message.parsed == Weather(city="Oslo", degrees=4)
    assert_booked(house)


def test_structured_output_is_parsed_in_one_piece(house: House) -> None:
    asked = chat("text", says=OSLO)
    answer = house.client().chat.completions.parse(**asked, response_format=Weather)

    assert answer.choices[0].message.parsed == Weather(city="Oslo", degrees=4)
    assert_booked(house)


def test_a_refusal_by_the_model_is_one(house: House) -> None:
    asked = chat("refusal", says="I will not.")
    answer = house.client().chat.completions.parse(**asked, response_format=Weather)

    assert answer.choices[0].message.parsed is None
    assert answer.choices[0].message.refusal == "I will not."
    assert_booked(house)


def test_calls_of_tools_are_accumulated_from_a_stream(house: House) -> None:
    with house.client().chat.completions.stream(**chat("tools"), tools=TOOLS) as stream:
        done = [e for e in stream if e.type == "tool_calls.function.arguments.done"]
        message = stream.get_final_completion().choices[0].message

    assert [(event.index, event.name) for event in done] == [
        (0, "weather"),
        (1, "clock"),
    ]
    assert message.tool_calls is not None
    assert message.tool_calls[0].function.parsed_arguments == WeatherTool(city="Oslo")
    assert message.tool_calls[1].function.arguments == '{"zone": "Europe/Oslo"}'
    assert_booked(house)


def test_calls_of_tools_come_in_one_piece(house: House) -> None:
    answer = house.client().chat.completions.create(**chat("tools"), tools=TOOLS)

    (choice,) = answer.choices
    assert choice.finish_reason == "tool_calls"
    assert [call.id for call in choice.message.tool_calls or []] == ["call_0", "call_1"]
    assert_booked(house)


def test_a_responses_helper_accumulates_text(house: House) -> None:
    asked: Any = {"model": MODEL, "input": order("text", says=OSLO)}
    with house.client().responses.stream(**asked, text_format=Weather) as stream:
        kinds = [event.type for event in stream]
        response = stream.get_final_response()

    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert response.output_text == OSLO
    assert response.output_parsed == Weather(city="Oslo", degrees=4)
    assert_booked(house)


def test_a_response_is_parsed_in_one_piece(house: House) -> None:
    asked: Any = {"model": MODEL, "input": order("text", says=OSLO)}
    response = house.client().responses.parse(**asked, text_format=Weather)

    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert response.output_parsed == Weather(city="Oslo", degrees=4)
    assert_booked(house)


def test_a_responses_helper_accumulates_a_call_of_a_tool(house: House) -> None:
    asked: Any = {"model": MODEL, "input": order("tools")}
    with house.client().responses.stream(**asked) as stream:
        deltas = [
            event.delta
            for event in stream
            if event.type == "response.function_call_arguments.delta"
        ]
        call = stream.get_final_response().output[-1]

    assert call.type == "function_call"
    assert (call.name, call.arguments) == ("weather", "".join(deltas))
    assert_booked(house)


def test_reasoning_is_booked_as_part_of_the_output(house: House) -> None:
    asked: Any = {"model": MODEL, "input": order("text", says=OSLO, reasoning=3)}
    response = house.client().responses.create(**asked)

    assert response.usage is not None
    assert response.usage.output_tokens_details.reasoning_tokens == 3
    (record,) = house.records()
    assert (record.output_tokens, record.reasoning_tokens) == (5, 3)


def test_the_helper_raises_what_breaks_a_stream(house: House) -> None:
    content = '{"output": 9, "drop_after": 3}'
    asked: Any = {"model": MODEL, "messages": [{"role": "user", "content": content}]}
    kinds: list[str] = []

    with pytest.raises(openai.APIError, match="broke off") as failure:
        read_into(kinds, house.client().chat.completions.stream(**asked))

    assert kinds.count("content.delta") == 3
    assert failure.value.code == "upstream_unreachable"


def read_into(kinds: list[str], manager: Any) -> None:
    """Read a stream and keep what came, though it breaks."""
    with manager as stream:
        for event in stream:
            kinds.append(event.type)  # noqa: PERF401 - kept though it raises
