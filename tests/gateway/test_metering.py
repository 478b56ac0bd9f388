"""The meter finds the usage in a stream, however the stream is cut into parts."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing import Tokens
from gateway.metering import (
    EVENT_MAX_BYTES,
    EventTooLong,
    StreamMeter,
)
from gateway.reports import report_of_body, tokens_of

USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
TOKENS = Tokens(input=11, cached_input=4, cache_write=3, output=7, reasoning=2)
DONE = b"[DONE]"


def words(count: int) -> list[bytes]:
    choice = {"index": 0, "delta": {"content": 'a "usage" word\n\n'}}
    return [orjson.dumps({"choices": [choice], "usage": None})] * count


def usage_chunk(choices: list[Any] | None = None) -> bytes:
    return orjson.dumps({"choices": choices or [], "usage": USAGE})


def as_stream(chunks: list[bytes], end: bytes = b"\n") -> bytes:
    """Write chunks as server-sent events."""
    return b"".join(b"data: " + chunk + end + end for chunk in chunks)


def run(parts: list[bytes], *, passes_usage: bool = False) -> tuple[bytes, StreamMeter]:
    """Feed parts; return what is passed on, and the meter."""
    meter = StreamMeter(passes_usage)
    passed = [meter.feed(part) for part in parts]
    return b"".join([*passed, meter.finish()]), meter


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[a:b] for a, b in pairwise(edges)]


line_ends = st.sampled_from([b"\n", b"\r\n"])
cuts = st.lists(st.integers(0, 10_000), max_size=20)


@given(ends=line_ends, places=cuts, count=st.integers(0, 4))
def test_the_usage_chunk_is_taken_out_however_the_stream_is_cut(
    ends: bytes, places: list[int], count: int
) -> None:
    stream = as_stream([*words(count), usage_chunk(), DONE], ends)

    passed, meter = run(cut(stream, places))

    assert passed == as_stream([*words(count), DONE], ends)
    assert (meter.tokens, meter.is_complete) == (TOKENS, True)


@given(ends=line_ends, places=cuts)
def test_a_client_that_asked_gets_every_byte(ends: bytes, places: list[int]) -> None:
    stream = as_stream([*words(2), usage_chunk(), DONE], ends)

    passed, meter = run(cut(stream, places), passes_usage=True)

    assert passed == stream
    assert meter.tokens == TOKENS


@given(
    stream=st.binary(max_size=300)
    | st.lists(
        st.sampled_from(
            [b"data: ", b"\n\n", b"\r\n\r\n", b'{"usage":', b"{}", b"[DONE]", b": hi\n"]
        )
    ).map(b"".join),
    places=cuts,
)
def test_garbage_passes_untouched(stream: bytes, places: list[int]) -> None:
    passed, meter = run(cut(stream, places))

    assert passed == stream
    assert meter.tokens is None


@given(places=cuts)
def test_bytes_after_a_garbled_event_are_still_metered(places: list[int]) -> None:
    garbled = as_stream([b'{"usage": {"prompt_tokens": 1', *words(1)])
    stream = garbled + as_stream([usage_chunk(), DONE])

    passed, meter = run(cut(stream, places))

    assert passed == garbled + as_stream([DONE])
    assert meter.tokens == TOKENS


@given(places=cuts)
def test_a_last_event_without_an_empty_line_counts(places: list[int]) -> None:
    stream = as_stream([*words(1), usage_chunk()]).rstrip(b"\n")

    passed, meter = run(cut(stream, places))

    assert passed == as_stream(words(1))
    assert meter.tokens == TOKENS


def test_usage_that_comes_with_words_is_left_in() -> None:
    chunk = usage_chunk([{"index": 0, "delta": {"content": "word"}}])

    passed, meter = run([as_stream([chunk])])

    assert passed == as_stream([chunk])
    assert meter.tokens == TOKENS


def test_the_last_usage_of_a_stream_counts() -> None:
    early = orjson.dumps({"choices": [], "usage": {"prompt_tokens": 1}})

    _, meter = run([as_stream([early, usage_chunk()])])

    assert meter.tokens == TOKENS


@pytest.mark.parametrize("usage", [b'"usage":', b'"usage": ', b'"usage"\t:\t'])
def test_usage_is_found_among_events_that_have_none(usage: bytes) -> None:
    told = usage_chunk().replace(b'"usage":', usage)
    stream = as_stream([*words(3), told, *words(3), DONE])

    passed, meter = run([stream])

    assert meter.tokens == TOKENS
    assert passed == as_stream([*words(6), DONE])


def test_a_count_of_a_stream_that_broke_off_is_only_of_its_beginning() -> None:
    said_so_far = usage_chunk([{"index": 0, "delta": {"content": "a"}}])
    _, broken = run([as_stream([said_so_far])])
    _, whole = run([as_stream([said_so_far, DONE])])
    _, counted = run([as_stream([said_so_far, usage_chunk()])])

    assert broken.told is None
    assert (whole.told, counted.told) == (TOKENS, TOKENS)


def test_a_stream_without_usage_has_no_tokens() -> None:
    stream = as_stream([*words(3), DONE])

    passed, meter = run([stream])

    assert passed == stream
    assert (meter.tokens, meter.is_complete) == (None, True)


def test_whole_events_are_passed_on_at_once() -> None:
    meter = StreamMeter(passes_usage=False)
    first, second = as_stream(words(1)), as_stream(words(1))

    assert meter.feed(first + second[:5]) == first
    assert meter.feed(second[5:]) == second


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "usage",
        {},
        {"usage": None},
        {"usage": []},
        {"usage": {}},
        {"usage": {"completion_tokens": 5}},
        {"usage": {"prompt_tokens": None}},
        {"usage": {"prompt_tokens": "11"}},
        {"usage": {"prompt_tokens": 1.5}},
        {"usage": {"prompt_tokens": True}},
        {"usage": {"prompt_tokens": -1}},
        {"usage": {"prompt_tokens": 2**60}},
    ],
)
def test_an_answer_without_a_count_of_input_has_no_tokens(answer: object) -> None:
    assert tokens_of(answer) is None
    assert report_of_body(orjson.dumps(answer)).tokens is None


def test_details_that_are_missing_or_wrong_are_none() -> None:
    usage = {"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": "2"}}

    assert tokens_of({"usage": usage}) == Tokens(input=3)


@pytest.mark.parametrize("count", [None, "7", -2, 1.5, 2**62])
def test_a_garbled_count_of_output_is_not_free(count: object) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": count}

    assert tokens_of({"usage": usage}) is None


@pytest.mark.parametrize("count", ["7", -2, 1.5, True, 2**62])
def test_a_garbled_count_of_cache_writes_is_not_plain_input(count: object) -> None:
    details = {"cached_tokens": 0, "cache_write_tokens": count}

    assert tokens_of({"usage": {**USAGE, "prompt_tokens_details": details}}) is None


@pytest.mark.parametrize("details", [None, {}, {"cache_write_tokens": None}])
def test_models_that_write_no_cache_need_not_say_so(details: object) -> None:
    usage = {"prompt_tokens": 3, "prompt_tokens_details": details}

    assert tokens_of({"usage": usage}) == Tokens(input=3)


@given(st.binary(max_size=60))
def test_a_garbled_body_has_no_tokens(body: bytes) -> None:
    assert report_of_body(body).tokens is None


def test_an_event_without_end_is_given_up() -> None:
    meter = StreamMeter(passes_usage=True)

    assert meter.feed(b"x" * EVENT_MAX_BYTES) == b""
    with pytest.raises(EventTooLong):
        meter.feed(b"x")

    assert meter.finish() == b""
