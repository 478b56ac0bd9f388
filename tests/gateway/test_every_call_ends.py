"""Whatever a provider answers, the hold ends in one record: nothing stays held."""

from __future__ import annotations

import http.client
from typing import Any

import orjson
import pytest

from tests.gateway.conftest import House
from tests.gateway.forms import wav
from tests.gateway.raw import call
from tests.rig import wait_until
from usage.models import Outcome, UsageRecord

pytestmark = pytest.mark.processes


def ended(house: House) -> UsageRecord:
    """Return the one record of a call, once nothing is held any more."""
    wait_until(lambda: bool(house.records()) and not house.holds())
    (record,) = house.records()
    assert house.budget().held_nanos == 0
    return record


@pytest.mark.parametrize("ends", ["error", "garbled"])
def test_speech_whose_last_event_fails_without_an_end(house: House, ends: str) -> None:
    orders = orjson.dumps({"ends": ends, "unended": True}).decode()
    body = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": orders}

    with pytest.raises(http.client.IncompleteRead):
        call(house.url, house.key, body, path="/v1/audio/speech")

    assert ended(house).outcome == Outcome.PROVIDER_LOST


@pytest.mark.parametrize(
    "segments", [[{"id": 0}], [None], {"0": 1}, 7, [{"start": "x", "end": 1}]]
)
def test_a_transcript_whose_segments_are_none(house: House, segments: Any) -> None:
    house.client().audio.transcriptions.create(
        model="whisper-1",
        file=("a.wav", wav(1.0), "audio/wav"),
        response_format="srt",
        prompt=orjson.dumps({"segments": segments}).decode(),
    )

    assert ended(house).kind == "actual"


@pytest.mark.parametrize("tier", ["default\0", "d" * 500, "\ud7ff\0"])
def test_a_tier_that_no_table_can_keep(house: House, tier: str) -> None:
    content = orjson.dumps({"tier": tier}).decode()
    message: Any = {"role": "user", "content": content}

    house.client().chat.completions.create(model="gpt-4o-mini", messages=[message])

    assert ended(house).kind == "actual"


@pytest.mark.parametrize("seconds", [1e300, 10**12, -1, "many"])
def test_a_recording_that_is_said_to_be_longer_than_time(
    house: House, seconds: Any
) -> None:
    for _ in range(2):
        house.client().audio.transcriptions.create(
            model="whisper-1",
            file=("a.wav", wav(1.0), "audio/wav"),
            response_format="verbose_json",
            prompt=orjson.dumps({"seconds": seconds, "usage": False}).decode(),
        )

    wait_until(lambda: len(house.records()) == 2 and not house.holds())
    assert {record.kind for record in house.records()} == {"estimated"}
