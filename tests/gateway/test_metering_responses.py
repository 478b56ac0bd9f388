"""The usage of a response is in the event that ends its stream."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing import Tokens
from gateway.metering import StreamMeter
from gateway.reports import RESPONSE_NAMES, tokens_of

USAGE = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 2},
}
TOKENS = Tokens(input=11, cached_input=4, cache_write=3, output=7, reasoning=2)
cuts = st.lists(st.integers(0, 10_000), max_size=20)


def event(kind: str, **fields: Any) -> bytes:
    document = orjson.dumps({"type": kind, **fields})
    return b"event: " + kind.encode() + b"\ndata: " + document + b"\n\n"


def stream(end: str, usage: Any = USAGE) -> bytes:
    words = event("response.output_text.delta", delta='"usage": response.completed')
    begun = event("response.created", response={"usage": None})
    return begun + words + words + event(end, response={"usage": usage})


def run(parts: list[bytes]) -> tuple[bytes, StreamMeter]:
    meter = StreamMeter(True, RESPONSE_NAMES)
    passed = [meter.feed(part) for part in parts]
    return b"".join([*passed, meter.finish()]), meter


@given(places=cuts, end=st.sampled_from(["completed", "incomplete", "failed"]))
def test_the_last_event_is_metered_and_every_byte_passes(
    places: list[int], end: str
) -> None:
    whole = stream(f"response.{end}")
    edges = [0, *sorted(place % (len(whole) + 1) for place in places), len(whole)]

    passed, meter = run([whole[a:b] for a, b in pairwise(edges)])

    assert passed == whole
    assert (meter.tokens, meter.is_complete) == (TOKENS, True)


def test_a_failed_response_without_usage_is_complete_and_unknown() -> None:
    _, meter = run([stream("response.failed", None)])

    assert (meter.tokens, meter.is_complete) == (None, True)


@pytest.mark.parametrize("kind", ["response.in_progress", "error", "made.up"])
def test_usage_before_the_end_is_not_the_bill(kind: str) -> None:
    _, meter = run([event(kind, response={"usage": USAGE}, usage=USAGE)])

    assert (meter.tokens, meter.is_complete) == (None, False)


@pytest.mark.parametrize(
    "usage",
    [
        {},
        {"input_tokens": 11},
        {"output_tokens": 7},
        {"input_tokens": 11, "output_tokens": None},
        {"prompt_tokens": 11, "completion_tokens": 7},
    ],
)
def test_a_response_that_lacks_a_count_has_no_tokens(usage: dict[str, Any]) -> None:
    assert tokens_of({"usage": usage}, RESPONSE_NAMES) is None
