"""The bound of images and sound is never below what a truthful provider charges."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing import Rates, Tokens, cost_nanos
from gateway.calls import NotBounded, bound_nanos, read_call
from gateway.calls.image_tokens import PARTIAL_TOKENS, drawn_tokens, seen_tokens
from gateway.calls.sound import seconds_max
from tests.gateway.forms import wav
from usage.models import Endpoint

SIZES = ("1024x1024", "1024x1536", "1536x1024", "auto", None, "1536x864", "9x9")
QUALITIES = ("low", "medium", "high", "auto", None)
MP3 = b"\xff\xfb\x90\x00" + bytes(413)


def rates(**changes: Any) -> Rates:
    known: dict[str, Any] = {
        "price_id": 1,
        "model": "m",
        "input_nanos": 5_000,
        "cached_input_nanos": 1_250,
        "output_nanos": 30_000,
        "max_output_tokens": None,
        "context_window": None,
        "image_input_nanos": 8_000,
        "cached_image_input_nanos": 2_000,
        "image_output_nanos": 30_000,
        **changes,
    }
    return Rates(**known)


def bound_of(body: dict[str, Any], price: Rates, endpoint: Endpoint) -> int:
    return bound_nanos(read_call(endpoint, "/x", orjson.dumps(body)), price)


@given(
    prompt=st.text(min_size=1, max_size=200),
    size=st.sampled_from(SIZES),
    quality=st.sampled_from(QUALITIES),
    model=st.sampled_from(["gpt-image-1", "gpt-image-1-mini", "gpt-image-2"]),
    count=st.integers(1, 10),
    partial=st.integers(0, 3),
    chosen=st.tuples(st.sampled_from(SIZES[:3]), st.sampled_from(QUALITIES[:3])),
)
def test_no_image_costs_more_than_its_bound(
    prompt: str,
    size: str | None,
    quality: str | None,
    model: str,
    count: int,
    partial: int,
    chosen: tuple[str, str],
) -> None:
    body = {"model": model, "prompt": prompt, "n": count, "partial_images": partial}
    body |= {"size": size, "quality": quality}
    drawn_size = chosen[0] if size in (None, "auto", "9x9") else size
    drawn_quality = chosen[1] if quality in (None, "auto") else quality
    drawn = drawn_tokens(model, quality=drawn_quality, size=drawn_size)
    assert drawn is not None
    output = count * (drawn + partial * PARTIAL_TOKENS)
    used = Tokens(
        input=count * len(prompt.encode()), output=output, image_output=output
    )

    bound = bound_of(body, rates(), Endpoint.IMAGES_GENERATIONS)

    assert cost_nanos(rates(), used) <= bound


@pytest.mark.parametrize(
    ("quality", "size", "tokens"),
    [
        ("high", "1024x1024", 7_024),
        ("high", "1536x1024", 5_488),
        ("high", "1792x1024", 5_063),
        ("high", "3584x2048", 12_329),
        ("medium", "1024x1024", 1_756),
        ("low", "1024x1024", 196),
    ],
)
def test_the_grid_counts_what_the_calculator_says(
    quality: str, size: str, tokens: int
) -> None:
    assert drawn_tokens("gpt-image-2", quality=quality, size=size) == tokens
    assert drawn_tokens("gpt-image-2-2026-04-21", quality=quality, size=size) == tokens


@given(width=st.integers(1, 240), height=st.integers(1, 240))
def test_no_size_of_a_grid_has_more_than_an_unknown_one(
    width: int, height: int
) -> None:
    size = f"{width * 16}x{height * 16}"
    most = drawn_tokens("gpt-image-2", quality="high", size=None)
    tokens = drawn_tokens("gpt-image-2", quality="high", size=size)

    assert most is not None
    assert tokens is not None
    assert tokens <= most


def test_what_is_stated_nowhere_is_not_known() -> None:
    assert drawn_tokens("gpt-image-1.5", quality="low", size=None) is None
    assert drawn_tokens("gpt-image-2.5-flare", quality="low", size=None) is None
    assert seen_tokens("gpt-image-2", fidelity=None) is None
    assert seen_tokens("gpt-image-1", fidelity="high") == 581 + 6_240


def test_a_price_may_state_the_most_of_an_image() -> None:
    body = {"model": "gpt-image-2.5-flare", "prompt": "a cat", "n": 2}

    with pytest.raises(NotBounded):
        bound_of(body, rates(), Endpoint.IMAGES_GENERATIONS)

    bound = bound_of(body, rates(max_output_tokens=100), Endpoint.IMAGES_GENERATIONS)
    assert bound >= 2 * 100 * 30_000


def test_what_has_no_price_is_not_bounded() -> None:
    body = {"model": "gpt-image-2", "prompt": "a cat"}

    with pytest.raises(NotBounded) as refusal:
        bound_of(body, rates(image_output_nanos=None), Endpoint.IMAGES_GENERATIONS)

    assert "image output" in refusal.value.reason


@pytest.mark.parametrize("kind", ["f", 0.5, -1, 11, "2", True])
def test_a_count_of_images_that_is_none_is_malformed(kind: object) -> None:
    body = {"model": "gpt-image-2", "prompt": "a cat", "n": kind}

    with pytest.raises(Exception, match="'n' must be"):
        bound_of(body, rates(), Endpoint.IMAGES_GENERATIONS)


@given(seconds=st.floats(0.001, 30), sample_rate=st.sampled_from([8_000, 16_000]))
def test_a_wav_lasts_as_long_as_its_samples(seconds: float, sample_rate: int) -> None:
    content = wav(seconds, sample_rate=sample_rate)

    found = most_seconds(content)

    assert found is not None
    # The head counts as sound: it may begin one more second.
    assert seconds - 1 / sample_rate <= found < seconds + 2


def test_a_wav_whose_header_lies_about_its_rate_is_told_by_its_samples() -> None:
    content = bytearray(wav(10))
    content[28:32] = (10**9).to_bytes(4, "little")

    assert most_seconds(bytes(content)) == 11


@pytest.mark.parametrize("head", [b"", b"ID3\x04\0\0\0\0\x02\x01" + bytes(257)])
def test_an_mp3_is_taken_for_the_slowest_there_is(head: bytes) -> None:
    assert most_seconds(head + MP3 * 100) == -(-len(head + MP3 * 100) // 1_000)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        b"OggS" + bytes(100),
        b"fLaC" + bytes(100),
        b"\0\0\0\x20ftypM4A " + bytes(100),
        b"\x1aE\xdf\xa3" + bytes(100),
        b"ID3\x04\0\0\0\0\0\0" + b"fLaC" + bytes(100),
        b"\xff\xf1\x50\x80" + bytes(100),  # AAC
        b"\xff\xfb\x00\x00" + bytes(100),  # MP3 of a free rate
        wav(1).replace(b"WAVEfmt ", b"WAVEJUNK"),
        wav(1).replace(b"\x10\0\0\0\x01\0", b"\x10\0\0\0\x11\0"),  # compressed
        wav(1, sample_rate=0),
    ],
)
def test_the_length_of_anything_else_is_not_known(content: bytes) -> None:
    assert most_seconds(content) is None


def most_seconds(content: bytes) -> int | None:
    return seconds_max(
        lambda offset, length: content[offset : offset + length], len(content)
    )
