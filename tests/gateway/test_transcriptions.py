"""Recordings through the gateway: by second and by token, in every format."""

from __future__ import annotations

from typing import Any

import openai
import orjson
import pytest

from tests import rig
from tests.gateway.conftest import House
from tests.gateway.forms import wav
from tests.gateway.raw import nothing_written
from tests.provider_media import TEXT

pytestmark = [
    pytest.mark.processes,
    # The SDK's word on translations, which OpenAI goes on serving.
    pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning"),
]
BY_SECOND, BY_TOKEN = "whisper-1", "gpt-4o-transcribe"
SECOND, TEXT_IN, HEARD, WRITTEN = 100_000, 2_500, 6_000, 10_000
RECORDING = ("a.wav", wav(3.2), "audio/wav")
SUBRIP = (
    "1\n00:00:00,000 --> 00:00:01,500\nGood morning.\n\n"
    "2\n00:00:01,500 --> 01:01:01,250\nGood night.\n"
)
WEBVTT = (
    "WEBVTT\n\n00:00.000 --> 00:01.500\nGood morning.\n\n"
    "00:01.500 --> 01:01:01.250\nGood night.\n"
)


def test_a_second_begun_is_charged_as_one(house: House, provider: rig.Provider) -> None:
    house.limit("1")

    answer = house.client().audio.transcriptions.create(model=BY_SECOND, file=RECORDING)

    assert answer.text == TEXT
    (record,) = house.records()
    assert (record.seconds, record.cost_nanos) == (4, 4 * SECOND)
    assert record.held_nanos == 4 * SECOND
    assert provider.bills()[-1]["files"][0][2] == len(RECORDING[1])


def test_tokens_of_sound_have_their_own_price(house: House) -> None:
    house.limit("1")

    answer = house.client().audio.transcriptions.create(model=BY_TOKEN, file=RECORDING)

    assert answer.text == TEXT
    (record,) = house.records()
    assert (record.input_tokens, record.audio_input_tokens) == (100, 90)
    assert record.cost_nanos == 10 * TEXT_IN + 90 * HEARD + 20 * WRITTEN
    assert record.cost_nanos <= record.held_nanos


def test_a_transcript_is_streamed(house: House) -> None:
    stream = house.client().audio.transcriptions.create(
        model=BY_TOKEN, file=RECORDING, stream=True
    )
    events = list(stream)

    assert events[-1].type == "transcript.text.done"
    assert house.records()[0].audio_input_tokens == 90


@pytest.mark.parametrize(
    ("wanted", "told"), [("text", f"{TEXT}\n"), ("srt", SUBRIP), ("vtt", WEBVTT)]
)
@pytest.mark.parametrize("kind", ["transcriptions", "translations"])
def test_formats_that_tell_no_usage_are_made_from_one_that_does(
    house: House, provider: rig.Provider, kind: str, wanted: str, told: str
) -> None:
    create = getattr(house.client().audio, kind).create

    answer = create(model=BY_SECOND, file=RECORDING, response_format=wanted)

    assert answer == told
    asked = provider.bills()[-1]["request"]["response_format"]
    assert asked in ("json", "verbose_json")
    (record,) = house.records()
    assert (record.seconds, record.kind) == (4, "actual")


def test_a_translation_is_charged_by_the_length_that_only_one_format_tells(
    house: House,
) -> None:
    house.limit("1")
    orders = orjson.dumps({"usage": False, "seconds": 2.1}).decode()

    answer = house.client().audio.translations.create(
        model=BY_SECOND, file=RECORDING, prompt=orders
    )

    assert answer.model_dump() == {"text": TEXT}
    assert house.records()[0].seconds == 3


def test_formats_that_tell_usage_pass_as_they_are(house: House) -> None:
    answer = house.client().audio.transcriptions.create(
        model=BY_SECOND, file=RECORDING, response_format="verbose_json"
    )

    assert answer.segments is not None
    assert answer.segments[0].text == " Good morning."


@pytest.mark.parametrize("content", [b"OggS" + bytes(999), b"\0\0\0\x20ftypM4A ", b"x"])
def test_a_recording_of_unknown_length_is_refused_under_a_limit(
    house: House, provider: rig.Provider, content: bytes
) -> None:
    house.limit("1")
    create = house.client().audio.transcriptions.create

    with nothing_written(provider), pytest.raises(openai.BadRequestError) as refusal:
        create(model=BY_SECOND, file=("a.ogg", content))

    assert refusal.value.code == "request_not_bounded"
    assert "WAV" in refusal.value.message
    create(model=BY_TOKEN, file=("a.ogg", content))


def test_a_recording_longer_than_is_left_is_refused(
    house: House, provider: rig.Provider
) -> None:
    house.limit("0.01")

    with nothing_written(provider), pytest.raises(openai.RateLimitError):
        house.client().audio.transcriptions.create(
            model=BY_SECOND, file=("a.wav", wav(101))
        )


def test_a_recording_cut_in_pieces_is_refused_under_a_limit(
    house: House, provider: rig.Provider
) -> None:
    house.limit("1")
    pieces: list[Any] = ["auto", {"type": "server_vad"}]

    for strategy in pieces:
        with (
            nothing_written(provider),
            pytest.raises(openai.BadRequestError) as refusal,
        ):
            house.client().audio.transcriptions.create(
                model=BY_TOKEN, file=RECORDING, chunking_strategy=strategy
            )
        assert refusal.value.param == "chunking_strategy"


def test_a_providers_error_passes_and_costs_nothing(house: House) -> None:
    orders = orjson.dumps({"status": 429}).decode()

    with pytest.raises(openai.RateLimitError) as error:
        house.client().audio.transcriptions.create(
            model=BY_SECOND, file=RECORDING, prompt=orders, response_format="srt"
        )

    assert error.value.code == "their_own"
    assert house.records()[0].cost_nanos == 0


def test_one_idempotency_key_is_one_charge_for_a_form_too(house: House) -> None:
    create = house.client().audio.transcriptions.create
    once = {"Idempotency-Key": "one"}

    first = create(model=BY_SECOND, file=RECORDING, extra_headers=once)
    again = create(model=BY_SECOND, file=RECORDING, extra_headers=once)
    with pytest.raises(openai.ConflictError):
        create(model=BY_SECOND, file=("a.wav", wav(3.3)), extra_headers=once)

    assert first == again
    assert len(house.records()) == 1


@pytest.mark.parametrize("wanted", ["json", "text", "srt", "vtt", "verbose_json"])
def test_the_sandbox_writes_down(staging: House, wanted: Any) -> None:
    staging.limit("1")
    audio = staging.client().audio

    answer = audio.transcriptions.create(
        model=BY_SECOND, file=RECORDING, response_format=wanted
    )
    audio.translations.create(model=BY_SECOND, file=RECORDING, response_format=wanted)

    assert answer
    assert [record.seconds for record in staging.records()] == [4, 4]


def test_the_sandbox_streams_what_it_writes_down(staging: House) -> None:
    staging.limit("1")

    stream = staging.client().audio.transcriptions.create(
        model=BY_TOKEN, file=RECORDING, stream=True
    )

    assert [event.type for event in stream][-1] == "transcript.text.done"
    (record,) = staging.records()
    assert 0 < record.cost_nanos <= record.held_nanos
