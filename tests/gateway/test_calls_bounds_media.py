"""What is shown, played or kept by the provider is bounded too, and never too low."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.pricing import Rates, Tokens, cost_nanos
from gateway.calls import Call, NotBounded, bound_nanos, read_call
from gateway.calls.image_input import (
    FAMILIES,
    charged_hundredths,
    family_of,
    image_tokens_max,
)
from gateway.calls.inputs import window_max
from usage.models import Endpoint

WINDOW = 128_000
RATES = Rates(1, "gpt-4o", 2500, 1250, 10_000, 16_384, WINDOW)
EARS = replace(RATES, audio_input_nanos=32_000, audio_output_nanos=64_000)
BLIND = replace(RATES, context_window=None)
URL = "https://images.example/house.png"
INLINE = "data:image/png;base64," + "A" * 50_000
TEXT = {"type": "text", "text": "What is this?"}
SOUND = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
FILE = {"type": "file", "file": {"file_id": "file-1"}}


def image(url: str = URL, detail: str | None = None) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, "detail": detail}}


def chat(*parts: Any, model: str = "gpt-4o", **more: Any) -> Call:
    message = {"role": "user", "content": [TEXT, *parts]}
    body = {"model": model, "messages": [message], "max_completion_tokens": 10, **more}
    return read_call(Endpoint.CHAT_COMPLETIONS, "/x", orjson.dumps(body))


def respond(*items: Any, **more: Any) -> Call:
    body = {"model": "gpt-4o", "input": list(items), "max_output_tokens": 10, **more}
    return read_call(Endpoint.RESPONSES, "/x", orjson.dumps(body))


def input_cost(call: Call, rates: Rates = RATES) -> int:
    """Return what the bound allows for input, the answer having ten tokens."""
    return bound_nanos(call, rates) - 10 * (rates.output_nanos or 0)


def test_an_image_by_address_has_the_most_that_is_stated_of_its_model() -> None:
    call = chat(image())

    assert input_cost(call) == (len(call.payload) + 85 + 8 * 170) * 2500


def test_the_bytes_of_an_image_are_no_text() -> None:
    here, there = chat(image(INLINE)), chat(image(URL))

    assert input_cost(here) - input_cost(there) == -len(URL) * 2500


def test_an_image_of_low_detail_has_fewer_tokens() -> None:
    low, high = chat(image(detail="low")), chat(image(detail="high"))

    assert input_cost(high) - input_cost(low) == (8 * 170 + 1) * 2500


def test_images_add_up_to_the_context_window() -> None:
    two, many = chat(image(), image()), chat(*[image(INLINE)] * 200)

    assert input_cost(two) == (len(two.payload) + 2 * 1445) * 2500
    assert input_cost(many) == (window_max(RATES) or 0) * 2500


def test_images_of_a_model_that_charges_more_for_them_go_beyond_its_window() -> None:
    many = chat(*[image()] * 10, model="gpt-4o-mini")

    assert input_cost(many) > 10 * 48_000 * 2500 > WINDOW * 2500


def test_an_image_of_a_model_of_which_nothing_is_stated_may_fill_the_window() -> None:
    call = chat(image(detail="low"), model="gpt-9")

    assert input_cost(call) == (window_max(RATES) or 0) * 5 // 2 * 2500


def test_images_with_a_rate_of_their_own_are_bounded_at_it() -> None:
    call = chat(image())
    rates = replace(RATES, image_input_nanos=8000)

    assert input_cost(call, rates) == len(call.payload) * 2500 + 1445 * 8000


def test_a_text_has_no_more_tokens_than_bytes_or_than_the_window_takes() -> None:
    short, long = chat(), chat({"type": "text", "text": "x" * 500_000})

    assert input_cost(short) == len(short.payload) * 2500
    assert input_cost(long) == (window_max(RATES) or 0) * 2500
    assert input_cost(long, BLIND) == len(long.payload) * 2500


def test_the_sandbox_has_no_window_and_is_bounded_by_all_its_bytes() -> None:
    call = chat({"type": "text", "text": "x" * 500_000}, image(INLINE))
    call.is_simulated = True

    assert input_cost(call) >= len(call.payload) * 2500


def test_what_is_played_may_fill_the_window_at_the_rate_of_sound() -> None:
    assert input_cost(chat(SOUND), EARS) == (window_max(RATES) or 0) * 32_000


def test_an_answer_that_is_spoken_is_bounded_at_the_rate_of_sound() -> None:
    aloud = chat(modalities=["text", "audio"], audio={"voice": "alloy"})

    bound = bound_nanos(aloud, EARS)
    assert bound == len(aloud.payload) * 2500 + 10 * 64_000


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (chat(SOUND), "audio input"),
        (chat(audio={"voice": "alloy"}), "audio output"),
        (chat(modalities=["audio"]), "audio output"),
    ],
)
def test_sound_without_a_rate_has_no_bound(call: Call, kind: str) -> None:
    with pytest.raises(NotBounded, match=f"no price of {kind}") as refusal:
        bound_nanos(call, RATES)

    assert refusal.value.param == "model"


KEPT: list[Call] = [
    chat(FILE),
    respond(previous_response_id="resp_1"),
    respond(conversation="conv_1"),
    respond({"type": "reasoning", "id": "rs_1", "summary": []}),
    respond({"id": "msg_1"}),
    respond({"type": "web_search_call", "id": "ws_1"}),
    respond({"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}),
]


@pytest.mark.parametrize("call", KEPT)
def test_what_nobody_here_can_read_may_fill_the_window(call: Call) -> None:
    assert input_cost(call) == (window_max(RATES) or 0) * 2500


@pytest.mark.parametrize("call", [*KEPT, chat(image(), model="gpt-9"), chat(SOUND)])
def test_without_a_window_it_has_no_bound(call: Call) -> None:
    with pytest.raises(NotBounded, match="context window"):
        bound_nanos(call, replace(EARS, context_window=None))


def test_a_response_sees_images_in_messages_and_in_what_tools_gave() -> None:
    seen = {"type": "input_image", "image_url": URL, "detail": "low"}
    given = {"type": "function_call_output", "call_id": "1", "output": [seen]}
    call = respond({"role": "user", "content": [seen]}, given)

    assert input_cost(call) == (len(call.payload) + 2 * 85) * 2500


@pytest.mark.parametrize("part", ["Hi", None, {}, {"type": 1}, {"type": "hologram"}])
def test_a_part_that_nobody_knows_has_no_bound(part: object) -> None:
    with pytest.raises(NotBounded) as refusal:
        bound_nanos(chat(part), RATES)

    assert refusal.value.param == "messages[0].content"


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("gpt-4o", True),
        ("gpt-4o-2024-08-06", True),
        ("gpt-4o-mini-2024-07-18", True),
        ("gpt-5-pro", False),
        ("gpt-5.1", False),
        ("gpt-4o-2024-08-06-mine", False),
        ("ft:gpt-4o:acme", False),
    ],
)
def test_only_what_is_stated_of_a_model_is_believed(model: str, known: bool) -> None:
    assert (family_of(model) is not None) == known
    assert (image_tokens_max(model, "high") is not None) == known


@pytest.mark.parametrize(("window", "real"), [(1_000_000, 1_048_576), (32_000, 32_768)])
def test_a_window_that_is_written_in_round_numbers_is_a_little_larger(
    window: int, real: int
) -> None:
    assert (window_max(replace(RATES, context_window=window)) or 0) >= real


parts = st.sampled_from(
    [
        TEXT,
        image(),
        image(INLINE, "low"),
        image(URL, "original"),
        SOUND,
        FILE,
        {"type": "text", "text": "x" * 90_000},
    ]
)
nanos = st.integers(1, 10**5)


@settings(deadline=None)
@given(
    model=st.sampled_from([*FAMILIES, "gpt-9"]),
    shown=st.lists(parts, max_size=6),
    rates=st.builds(
        Rates,
        price_id=st.just(1),
        model=st.just("m"),
        input_nanos=nanos,
        cached_input_nanos=st.none() | nanos,
        output_nanos=nanos,
        max_output_tokens=st.none(),
        context_window=st.just(WINDOW),
        cache_write_nanos=st.none() | nanos,
        audio_input_nanos=nanos,
        audio_output_nanos=nanos,
        image_input_nanos=st.none() | nanos,
    ),
    data=st.data(),
)
def test_no_truthful_report_costs_more_than_the_bound(
    model: str, shown: list[Any], rates: Rates, data: st.DataObject
) -> None:
    """Text at a token a byte, each image at its most, all of it within the window."""
    call = chat(*shown, model=model, modalities=["text", "audio"])
    images = [part for part in shown if part["type"] == "image_url"]
    stated = [image_tokens_max(model, p["image_url"]["detail"]) for p in images]
    seen = sum(n or 2 * WINDOW for n in stated)
    heard = data.draw(st.integers(0, WINDOW)) if SOUND in shown else 0
    inline = sum(len(p["image_url"]["url"]) for p in images)
    filed = data.draw(st.integers(0, WINDOW)) if FILE in shown else 0
    text = min(len(call.payload) - inline + filed, WINDOW - heard)
    limit = WINDOW * charged_hundredths(model) // 100
    seen = min(seen, max(limit - text - heard, 0))
    total = text + heard + seen
    used = Tokens(
        input=total,
        audio_input=heard,
        image_input=seen,
        cached_input=data.draw(st.integers(0, total)),
        output=10,
        audio_output=data.draw(st.integers(0, 10)),
    )

    assert cost_nanos(rates, used) <= bound_nanos(call, rates)
