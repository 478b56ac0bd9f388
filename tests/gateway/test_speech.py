"""Speech through the gateway: by character, and by tokens that only events tell."""

from __future__ import annotations

import http.client
from typing import Any

import openai
import orjson
import pytest

from billing.models import Price
from tests import rig
from tests.gateway.conftest import House
from tests.gateway.raw import call, nothing_written
from tests.prices import prices_not_kept
from tests.provider_media import SOUND
from tests.rig import wait_until
from usage.models import Outcome

pytestmark = [pytest.mark.processes]
BY_CHARACTER, BY_TOKEN = "tts-1", "gpt-4o-mini-tts"
CHARACTER, TEXT, SPOKEN = 15_000, 600, 12_000
PATH = "/v1/audio/speech"


def say(house: House, model: str, **orders: Any) -> bytes:
    text = orjson.dumps(orders).decode()
    speech = house.client().audio.speech
    with speech.with_streaming_response.create(
        model=model, voice="alloy", input=text
    ) as response:
        assert response.headers["content-type"] == "audio/mpeg"
        return b"".join(response.iter_bytes())


def test_a_character_is_charged_whatever_its_bytes(house: House) -> None:
    house.limit("1")
    text = "Grüße, 世界 🎈"

    house.client().audio.speech.create(model=BY_CHARACTER, voice="alloy", input=text)

    (record,) = house.records()
    assert record.characters == len(text) == 11
    assert record.cost_nanos == record.held_nanos == 11 * CHARACTER
    assert record.kind == "actual"


def test_sound_by_character_passes_as_it_comes(house: House) -> None:
    assert say(house, BY_CHARACTER) == b"".join(SOUND)


def test_sound_by_token_is_taken_out_of_its_events(
    house: House, provider: rig.Provider
) -> None:
    assert say(house, BY_TOKEN, output=77) == b"".join(SOUND)

    bill = provider.bills()[-1]
    assert bill["request"]["stream_format"] == "sse"
    (record,) = house.records()
    asked = bill["usage"]["input_tokens"]
    assert (record.input_tokens, record.audio_output_tokens) == (asked, 77)
    assert record.cost_nanos == asked * TEXT + 77 * SPOKEN
    assert record.kind == "actual"


def test_who_asks_for_events_gets_them(house: House) -> None:
    body = {
        "model": BY_TOKEN,
        "voice": "alloy",
        "input": "Hello",
        "stream_format": "sse",
    }

    answer = call(house.url, house.key, body, path=PATH)

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert b"speech.audio.done" in answer.body
    assert house.records()[0].audio_output_tokens == 40


def test_a_provider_that_knows_no_events_is_charged_at_the_bound(house: House) -> None:
    house.limit("10")
    with prices_not_kept():
        Price.objects.filter(model=BY_TOKEN).update(max_output_tokens=1_000)

    assert say(house, BY_TOKEN, ignores_sse=True) == b"".join(SOUND)

    (record,) = house.records()
    assert record.kind == "estimated"
    assert record.cost_nanos == record.held_nanos >= 1_000 * SPOKEN


@pytest.mark.parametrize("orders", [{"drop_after": 2}, {"ends": "error"}])
def test_sound_that_breaks_off_stays_unfinished_and_is_charged(
    house: House, orders: dict[str, Any]
) -> None:
    body = {"model": BY_TOKEN, "voice": "alloy", "input": orjson.dumps(orders).decode()}

    with pytest.raises(http.client.IncompleteRead):
        call(house.url, house.key, body, path=PATH)

    wait_until(lambda: len(house.records()) == 1)
    (record,) = house.records()
    assert (record.outcome, record.kind) == (Outcome.PROVIDER_LOST, "estimated")


def test_speech_without_a_stated_bound_is_refused_under_a_limit(
    house: House, provider: rig.Provider
) -> None:
    house.limit("10")

    with nothing_written(provider), pytest.raises(openai.BadRequestError) as refusal:
        house.client().audio.speech.create(model=BY_TOKEN, voice="alloy", input="Hi")

    assert refusal.value.code == "request_not_bounded"
    assert "tts-1" in refusal.value.message


def test_a_providers_error_passes_and_costs_nothing(house: House) -> None:
    with pytest.raises(openai.InternalServerError) as error:
        say(house, BY_TOKEN, status=503)

    assert error.value.code == "their_own"
    assert house.records()[0].cost_nanos == 0


def test_a_client_that_leaves_pays_for_what_was_asked(house: House) -> None:
    text = orjson.dumps({"pause_s": 0.3, "output": 9}).decode()
    speech = house.client().audio.speech
    with speech.with_streaming_response.create(
        model=BY_TOKEN, voice="alloy", input=text
    ) as response:
        next(iter(response.iter_bytes()))

    wait_until(lambda: len(house.records()) == 1)
    (record,) = house.records()
    assert record.outcome == Outcome.CLIENT_LEFT
    assert record.audio_output_tokens == 9


@pytest.mark.parametrize(
    ("wanted", "beginning"),
    [("mp3", b"\xff\xfb"), ("wav", b"RIFF"), ("pcm", b"\0\0")],
)
@pytest.mark.parametrize("model", [BY_CHARACTER, BY_TOKEN])
def test_the_sandbox_speaks(
    staging: House, model: str, wanted: Any, beginning: bytes
) -> None:
    answer = staging.client().audio.speech.create(
        model=model, voice="alloy", input="Hello", response_format=wanted
    )

    assert answer.content.startswith(beginning)
    (record,) = staging.records()
    assert record.cost_nanos > 0
    assert record.kind == "actual"
