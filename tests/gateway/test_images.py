"""Images through the gateway, by the official client, priced by tokens of each kind."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import openai
import orjson
import pytest

from billing.models import Price
from tests import rig
from tests.gateway.conftest import House
from tests.gateway.raw import call, nothing_written
from tests.prices import prices_not_kept
from usage.models import Outcome

pytestmark = [pytest.mark.processes]
MODEL = "gpt-image-2"
# Nano-dollars per token: text, image in, image out.
TEXT, SEEN, DRAWN = 5_000, 8_000, 30_000


def prompt(**orders: Any) -> str:
    return orjson.dumps(orders).decode()


def test_images_are_made_and_charged_by_what_the_answer_says(
    house: House, provider: rig.Provider
) -> None:
    house.limit("10")
    client = house.client()

    answer = client.images.generate(
        model=MODEL, prompt=prompt(output=50), n=2, quality="low", size="1024x1024"
    )

    assert answer.data is not None
    assert len(answer.data) == 2
    (record,) = house.records()
    usage = provider.bills()[-1]["usage"]
    assert record.input_tokens == usage["input_tokens"]
    assert (record.output_tokens, record.image_output_tokens) == (100, 100)
    assert record.cost_nanos == usage["input_tokens"] * TEXT + 100 * DRAWN
    assert record.endpoint == "images.generations"
    assert house.holds() == []


def test_images_are_streamed_with_partial_ones(house: House) -> None:
    house.limit("10")

    stream = house.client().images.generate(
        model=MODEL, prompt=prompt(output=50), stream=True, partial_images=2
    )
    kinds = [event.type for event in stream]

    partial = "image_generation.partial_image"
    assert kinds == [partial, partial, "image_generation.completed"]
    (record,) = house.records()
    assert record.image_output_tokens == 50
    assert record.streamed


def test_an_edit_sends_its_files_on_as_they_are(
    house: House, provider: rig.Provider
) -> None:
    first, second = b"\x89PNG one" * 999, b"\x89PNG\r\n--two" * 77

    answer = house.client().images.edit(
        model=MODEL,
        image=[("one.png", first, "image/png"), ("two.png", second, "image/png")],
        mask=("mask.png", b"mask", "image/png"),
        prompt=prompt(output=50),
        n=1,
    )

    assert answer.data is not None
    bill = provider.bills()[-1]
    names = [(name, length) for name, _, length, _ in bill["files"]]
    assert names == [("image[]", len(first)), ("image[]", len(second)), ("mask", 4)]
    assert bill["files"][1][3] == hashlib.sha256(second).hexdigest()
    assert "image/png" in bill["files"][0][1]
    assert bill["bytes"] == bill["stated_bytes"]
    (record,) = house.records()
    assert record.image_input_tokens == 3 * 194


def test_an_edit_can_be_streamed(house: House) -> None:
    stream = house.client().images.edit(
        model=MODEL, image=b"\x89PNG", prompt=prompt(output=50), stream=True
    )

    assert [event.type for event in stream] == ["image_edit.completed"]
    assert house.records()[0].image_output_tokens == 50


def test_an_edit_may_name_its_images_in_json(house: House) -> None:
    body = {
        "model": MODEL,
        "prompt": prompt(output=50),
        "images": [{"image_url": "https://images.example/a.png"}],
    }

    answer = call(house.url, house.key, body, path="/v1/images/edits")

    assert answer.status == 200
    assert house.records()[0].image_input_tokens == 194


def test_an_edit_without_a_stated_bound_is_refused_under_a_limit(
    house: House, provider: rig.Provider
) -> None:
    house.limit("10")

    with nothing_written(provider), pytest.raises(openai.BadRequestError) as refusal:
        house.client().images.edit(model=MODEL, image=b"\x89PNG", prompt="a cat")

    assert refusal.value.code == "request_not_bounded"
    assert "context window" in refusal.value.message


def test_the_operator_can_state_what_bounds_an_edit(house: House) -> None:
    house.limit("10")
    with prices_not_kept():
        Price.objects.filter(model=MODEL).update(context_window=20_000)

    house.client().images.edit(model=MODEL, image=b"\x89PNG", prompt=prompt(output=9))

    (record,) = house.records()
    assert record.outcome == Outcome.SUCCEEDED
    assert record.cost_nanos <= record.held_nanos


def test_what_may_cost_more_than_is_left_is_refused(
    house: House, provider: rig.Provider
) -> None:
    house.limit("0.20")
    ask = {"model": MODEL, "prompt": "a cat", "size": "1024x1024"}

    with nothing_written(provider), pytest.raises(openai.RateLimitError):
        house.client().images.generate(**ask, quality="high")  # type: ignore[call-overload]

    house.client().images.generate(**ask, quality="low")  # type: ignore[call-overload]
    assert len(house.records()) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"output_format": "svg"},
        {"output_format": "gif"},
        {"svg": {"model": "gpt-5"}},
        {"frame_count": 16},
        {"complexity": "high"},
        {"model": "gpt-image-1.5"},
    ],
)
def test_images_that_nobody_can_bound_are_refused_under_a_limit(
    house: House, provider: rig.Provider, more: dict[str, Any]
) -> None:
    house.limit("10")
    body = {"model": MODEL, "prompt": "a cat", **more}

    with nothing_written(provider):
        answer = call(house.url, house.key, body, path="/v1/images/generations")

    assert (answer.status, answer.error["code"]) == (400, "request_not_bounded")


def test_without_usage_the_bound_is_charged_as_an_estimate(house: House) -> None:
    house.limit("10")

    house.client().images.generate(model=MODEL, prompt=prompt(usage=False))

    (record,) = house.records()
    assert record.kind == "estimated"
    assert record.cost_nanos == record.held_nanos > 0


def test_a_providers_error_passes_and_costs_nothing(house: House) -> None:
    with pytest.raises(openai.InternalServerError) as error:
        house.client().images.generate(model=MODEL, prompt=prompt(status=500))

    assert error.value.code == "their_own"
    assert house.records()[0].cost_nanos == 0


def test_the_sandbox_draws_within_the_bound(staging: House) -> None:
    staging.limit("10")
    client = staging.client()

    answer = client.images.generate(model=MODEL, prompt="a red cat", n=2)
    stream = client.images.generate(
        model=MODEL, prompt="a cat", stream=True, partial_images=1
    )
    events = [event.type for event in stream]

    assert answer.data is not None
    assert base64.b64decode(answer.data[0].b64_json or "").startswith(b"\x89PNG")
    assert events[-1] == "image_generation.completed"
    for record in staging.records():
        assert 0 < record.cost_nanos <= record.held_nanos
        assert record.simulated


def test_the_sandbox_edits(staging: House) -> None:
    answer = staging.client().images.edit(model=MODEL, image=b"x", prompt="a cat")

    assert answer.data is not None
    assert staging.records()[0].image_input_tokens > 0
