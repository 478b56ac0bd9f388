"""Raw answers and strictly typed objects, as the official SDK reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from openai import OpenAI

from tests import rig
from tests.gateway.conftest import House

pytestmark = pytest.mark.processes

MODEL = "gpt-4o-mini"
ASK: Any = [{"role": "user", "content": "Say something."}]
EMBEDDER = "text-embedding-3-small"


def strict(house: House) -> OpenAI:
    """Return a client that validates every object that it is sent."""
    return house.client(_strict_response_validation=True)


# No streamed completions: the SDK declares that no choice lacks its reason to end, and
# OpenAI's own chunks do until the last.
CALLS: dict[str, Callable[[OpenAI], Any]] = {
    "chat": lambda c: c.chat.completions.create(model=MODEL, messages=ASK),
    "chat streamed": lambda c: list(
        c.chat.completions.create(
            model=MODEL,
            messages=ASK,
            stream=True,
            stream_options={"include_usage": True},
        )
    ),
    "responses": lambda c: c.responses.create(model=MODEL, input="Say something."),
    "responses streamed": lambda c: list(
        c.responses.create(model=MODEL, input="Say something.", stream=True)
    ),
    "completions": lambda c: c.completions.create(
        model="gpt-3.5-turbo-instruct", prompt="Once", max_tokens=5
    ),
    "embeddings": lambda c: c.embeddings.create(
        model=EMBEDDER, input="house", encoding_format="float"
    ),
    "moderations": lambda c: c.moderations.create(input="house"),
    "images": lambda c: c.images.generate(model="gpt-image-1", prompt="A house"),
    "edits": lambda c: c.images.edit(
        model="gpt-image-1",
        prompt="A house",
        image=("house.png", b"\x89PNG", "image/png"),
    ),
    "speech": lambda c: c.audio.speech.create(
        model="tts-1", voice="alloy", input="A house."
    ).read(),
    "transcriptions": lambda c: c.audio.transcriptions.create(
        model="gpt-4o-transcribe", file=("house.wav", b"RIFF" * 100)
    ),
    "models": lambda c: list(c.models.list()),
    "model": lambda c: c.models.retrieve(MODEL),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_sandboxs_answers_are_what_the_sdk_declares(
    staging: House, name: str
) -> None:
    assert CALLS[name](strict(staging))


def test_models_are_typed(house: House) -> None:
    listed = list(strict(house).models.list())
    one = strict(house).models.retrieve("gpt-4o-mini")

    assert one.id in {model.id for model in listed}
    assert (one.object, one.owned_by) == ("model", "tests")


def test_a_raw_response_has_the_headers_and_parses(house: House) -> None:
    raw = house.client().chat.completions.with_raw_response.create(
        model=MODEL, messages=ASK
    )

    (record,) = house.records()
    assert raw.request_id == raw.headers["x-request-id"]
    assert raw.headers["x-request-id"] == f"req_{record.event_id.hex}"
    assert raw.headers["openai-organization"] == house.organization.public_id
    assert raw.headers["openai-version"] == "2020-10-01"
    assert float(raw.headers["x-tokenhouse-cost-usd"]) == record.cost_nanos / 1e9
    assert raw.parse().object == "chat.completion"


def test_a_parsed_object_knows_its_request(house: House) -> None:
    answer = house.client().responses.create(model=MODEL, input="Say something.")

    (record,) = house.records()
    assert answer._request_id == f"req_{record.event_id.hex}"


def test_a_raw_stream_parses_into_chunks(house: House) -> None:
    raw = house.client().chat.completions.with_raw_response.create(
        model=MODEL, messages=ASK, stream=True
    )

    texts = [chunk.choices[0].delta.content or "" for chunk in raw.parse()]
    assert "".join(texts) == "word " * 5
    assert raw.headers["content-type"].startswith("text/event-stream")


def test_a_streamed_response_is_read_line_by_line(house: House) -> None:
    answers = house.client().chat.completions.with_streaming_response
    with answers.create(model=MODEL, messages=ASK, stream=True) as response:
        lines = [line for line in response.iter_lines() if line]

    assert response.headers["x-request-id"].startswith("req_")
    assert lines[0].startswith("data: {")
    assert lines[-1] == "data: [DONE]"
    rig.wait_until(lambda: bool(house.records()), what="nothing was booked")


def test_a_whole_answer_can_be_read_as_a_stream_of_bytes(house: House) -> None:
    answers = house.client().chat.completions.with_streaming_response
    with answers.create(model=MODEL, messages=ASK) as response:
        body = b"".join(response.iter_bytes())

    assert len(body) == int(response.headers["content-length"])
    assert b'"chat.completion"' in body
