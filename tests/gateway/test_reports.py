"""What each endpoint reports is read by kind, and what contradicts itself is not."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing import Tokens
from gateway.metering import StreamMeter
from gateway.reports import (
    IMAGE_NAMES,
    PROMPT_NAMES,
    RESPONSE_NAMES,
    SPEECH_NAMES,
    TRANSCRIPT_NAMES,
    Report,
    UsageNames,
    report_of,
    tokens_of,
)


def chat(**changes: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
    return {"usage": {**usage, **changes}}


def totals(**changes: Any) -> dict[str, Any]:
    usage = {"input_tokens": 100, "output_tokens": 50, "total_tokens": 150}
    return {"usage": {**usage, **changes}}


def test_a_chat_tells_sound_and_images_from_text() -> None:
    answer = chat(
        prompt_tokens_details={
            "cached_tokens": 8,
            "audio_tokens": 60,
            "image_tokens": 9,
        },
        completion_tokens_details={
            "audio_tokens": 40,
            "reasoning_tokens": 3,
            "accepted_prediction_tokens": 2,
            "rejected_prediction_tokens": 4,
        },
    )

    assert tokens_of(answer) == Tokens(
        input=100,
        cached_input=8,
        audio_input=60,
        image_input=9,
        output=50,
        reasoning=3,
        audio_output=40,
    )


def test_an_image_says_what_it_read_and_drew() -> None:
    answer = totals(
        input_tokens_details={"text_tokens": 10, "image_tokens": 90},
        output_tokens_details={"text_tokens": 5, "image_tokens": 45},
    )

    assert tokens_of(answer, IMAGE_NAMES) == Tokens(
        input=100, image_input=90, output=50, image_output=45
    )


def test_an_image_without_details_is_all_image_which_is_dearest() -> None:
    assert tokens_of(totals(), IMAGE_NAMES) == Tokens(
        input=100, image_input=100, output=50, image_output=50
    )


def test_what_is_spoken_is_sound_and_what_is_transcribed_was() -> None:
    heard = totals(input_token_details={"text_tokens": 10, "audio_tokens": 90})

    assert tokens_of(totals(), SPEECH_NAMES) == Tokens(
        input=100, output=50, audio_output=50
    )
    assert tokens_of(heard, TRANSCRIPT_NAMES) == Tokens(
        input=100, audio_input=90, output=50
    )
    assert tokens_of(totals(), TRANSCRIPT_NAMES) == Tokens(
        input=100, audio_input=100, output=50
    )


@pytest.mark.parametrize(
    ("seconds", "counted"), [(9, 9), (8.47, 9), (0, 0), (60.0, 60)]
)
def test_every_second_that_began_counts(seconds: float, counted: int) -> None:
    answer = {"usage": {"type": "duration", "seconds": seconds}}

    assert tokens_of(answer, TRANSCRIPT_NAMES) == Tokens(seconds=counted)


@pytest.mark.parametrize("seconds", [None, "9", -1, True, 1e300, 2**60])
def test_a_garbled_length_is_unknown(seconds: object) -> None:
    answer = {"usage": {"type": "duration", "seconds": seconds}}

    assert tokens_of(answer, TRANSCRIPT_NAMES) is None


INPUT_TOO_MANY = [
    {"audio_tokens": 101},
    {"audio_tokens": 60, "image_tokens": 41},
    {"cached_tokens": 101},
    {"cached_tokens": 60, "cache_write_tokens": 41},
    {"audio_tokens": 5, "cached_tokens_details": {"audio_tokens": 6}},
    {"image_tokens": 5, "cached_tokens_details": {"image_tokens": 6}},
]


@pytest.mark.parametrize("details", INPUT_TOO_MANY)
def test_details_beyond_their_total_make_the_input_unknown(
    details: dict[str, Any],
) -> None:
    assert tokens_of(chat(prompt_tokens_details=details)) is None


@pytest.mark.parametrize("details", [{"audio_tokens": 51}, {"reasoning_tokens": 51}])
def test_details_beyond_their_total_make_the_output_unknown(
    details: dict[str, Any],
) -> None:
    assert tokens_of(chat(completion_tokens_details=details)) is None


@pytest.mark.parametrize("name", ["audio_tokens", "image_tokens"])
@pytest.mark.parametrize("count", ["7", -2, 1.5, True, 2**62, [], {}])
def test_a_garbled_count_that_would_cost_more_is_not_nothing(
    name: str, count: object
) -> None:
    assert tokens_of(chat(prompt_tokens_details={name: count})) is None
    assert tokens_of(chat(completion_tokens_details={name: count})) is None


def test_reasoning_that_only_the_total_counts_is_output() -> None:
    details = {"reasoning_tokens": 30}
    apart = chat(total_tokens=180, completion_tokens_details=details)

    tokens = tokens_of(apart)
    assert tokens is not None
    assert (tokens.output, tokens.reasoning) == (80, 30)


def test_a_total_that_nothing_explains_makes_it_unknown() -> None:
    assert tokens_of(chat(total_tokens=151)) is None
    assert tokens_of(chat(total_tokens=149)) is not None
    assert tokens_of(chat(total_tokens="many")) is not None


def test_a_write_that_is_kept_for_half_a_day_has_no_listed_price() -> None:
    details = {
        "cached_tokens": 0,
        "cache_write_tokens": 9,
        "cache_write_tokens_details": {"ttl_30m_tokens": 9, "ttl_12h_tokens": 0},
    }
    assert tokens_of(totals(input_tokens_details=details), RESPONSE_NAMES) == Tokens(
        input=100, cache_write=9, output=50
    )
    details["cache_write_tokens_details"] = {"ttl_30m_tokens": 0, "ttl_12h_tokens": 9}
    assert tokens_of(totals(input_tokens_details=details), RESPONSE_NAMES) is None


def test_an_answer_says_by_which_tier_it_was_served() -> None:
    assert report_of({**chat(), "service_tier": "flex"}).service_tier == "flex"
    assert report_of({**chat(), "service_tier": None}).service_tier == ""
    assert report_of({**chat(), "service_tier": 7}).service_tier == ""


def event(kind: str, **fields: Any) -> bytes:
    return b"data: " + orjson.dumps({"type": kind, **fields}) + b"\n\n"


def metered(names: UsageNames, *events: bytes) -> Report:
    meter = StreamMeter(True, names)
    passed = [meter.feed(each) for each in events]
    assert b"".join(passed) == b"".join(events)
    assert meter.is_complete
    return meter.report


@pytest.mark.parametrize(
    ("names", "kind", "tokens"),
    [
        (
            IMAGE_NAMES,
            "image_edit.completed",
            Tokens(100, 0, 0, 50, 0, 0, 0, 100, 0, 0, 50),
        ),
        (
            SPEECH_NAMES,
            "speech.audio.done",
            Tokens(input=100, output=50, audio_output=50),
        ),
        (
            TRANSCRIPT_NAMES,
            "transcript.text.done",
            Tokens(input=100, audio_input=100, output=50),
        ),
    ],
)
def test_a_stream_of_media_says_its_usage_beside_the_type(
    names: UsageNames, kind: str, tokens: Tokens
) -> None:
    piece = event(kind.replace("done", "delta"), delta="AAAA", usage=None)
    begun = [piece] if kind.endswith("done") else []

    assert metered(names, *begun, event(kind, **totals())).tokens == tokens


def test_several_images_of_a_stream_add_up() -> None:
    one = event("image_generation.completed", **totals())

    report = metered(IMAGE_NAMES, one, one, one)
    assert report.tokens == Tokens(
        input=300, image_input=300, output=150, image_output=150
    )


def test_one_image_that_does_not_say_what_it_used_makes_the_sum_unknown() -> None:
    one = event("image_generation.completed", **totals())
    silent = event("image_generation.completed")

    assert metered(IMAGE_NAMES, one, silent, one).tokens is None
    assert metered(IMAGE_NAMES, silent, one).tokens is None


anything = (
    st.none()
    | st.booleans()
    | st.integers(-5, 200)
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
)
NAMED = {
    "prompt_tokens",
    "completion_tokens",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "audio_tokens",
    "image_tokens",
    "text_tokens",
    "reasoning_tokens",
    "seconds",
    "type",
}
details = st.dictionaries(st.sampled_from(sorted(NAMED)), anything, max_size=6)
reports = st.dictionaries(st.sampled_from(sorted(NAMED)), anything) | details.flatmap(
    lambda one: st.fixed_dictionaries(
        {
            "prompt_tokens": st.integers(0, 200),
            "input_tokens": st.integers(0, 200),
            "completion_tokens": st.integers(0, 200),
            "output_tokens": st.integers(0, 200),
            "prompt_tokens_details": st.just(one),
            "input_tokens_details": st.just(one),
            "input_token_details": st.just(one),
            "completion_tokens_details": details,
            "output_tokens_details": details,
        }
    )
)


@given(
    usage=reports,
    names=st.sampled_from(
        [PROMPT_NAMES, RESPONSE_NAMES, IMAGE_NAMES, SPEECH_NAMES, TRANSCRIPT_NAMES]
    ),
)
def test_whatever_is_reported_its_details_fit_its_totals(
    usage: dict[str, Any], names: UsageNames
) -> None:
    tokens = tokens_of({"usage": usage}, names)

    if tokens is None:
        return
    assert all(isinstance(n, int) and 0 <= n <= 10**9 for n in astuple(tokens))
    assert tokens.audio_input + tokens.image_input <= tokens.input
    assert tokens.cached_input + tokens.cache_write <= tokens.input
    assert tokens.audio_output + tokens.image_output <= tokens.output
