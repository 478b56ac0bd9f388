"""A tier is priced as it was served, and never dearer than what was held for it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from openai import BadRequestError

from billing.models import Price
from tests import rig
from tests.gateway.conftest import House
from tests.prices import prices_not_kept

pytestmark = pytest.mark.processes


def ask(house: House, orders: dict[str, Any], **more: Any) -> Any:
    message: Any = {"role": "user", "content": orjson.dumps(orders).decode()}
    return house.client().chat.completions.create(
        model="gpt-5", messages=[message], max_completion_tokens=50, **more
    )


def rates(tier: str) -> Any:
    return Price.objects.get(model="gpt-5", service_tier=tier)


def booked(house: House) -> Any:
    rig.wait_until(lambda: len(house.records()) == 1, what="nothing was booked")
    return house.records()[0]


@pytest.mark.parametrize("asked", [None, "auto", "default"])
def test_who_names_no_dearer_tier_gets_the_standard_one_by_name(
    house: House, provider: rig.Provider, asked: str | None
) -> None:
    house.limit("1")
    ask(house, {"tier": "default"}, **({"service_tier": asked} if asked else {}))

    assert provider.bills()[-1]["service_tier"] == "default"
    record = booked(house)
    assert (record.price_id, record.service_tier) == (rates("").pk, "default")


@pytest.mark.parametrize("tier", ["flex", "priority"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_tier_is_charged_at_its_own_rates(
    house: House, provider: rig.Provider, tier: str, streamed: bool
) -> None:
    house.limit("1")
    answer = ask(house, {"tier": tier}, service_tier=tier, stream=streamed)
    list(answer) if streamed else None

    assert provider.bills()[-1]["service_tier"] == tier
    record, price = booked(house), rates(tier)
    assert (record.price_id, record.service_tier) == (price.pk, tier)
    assert record.cost_nanos == (
        record.input_tokens * price.input_nanos
        + record.output_tokens * price.output_nanos
    )
    assert record.held_nanos >= record.cost_nanos


def test_fast_is_another_name_of_priority(house: House) -> None:
    house.limit("1")
    ask(house, {"tier": "priority"}, service_tier="fast")

    assert booked(house).price_id == rates("priority").pk


def test_who_asked_for_priority_and_was_served_at_standard_pays_standard(
    house: House,
) -> None:
    house.limit("1")
    ask(house, {"tier": "default"}, service_tier="priority")

    record = booked(house)
    assert (record.price_id, record.kind) == (rates("").pk, "actual")
    assert record.cost_nanos < record.held_nanos / 2


def test_a_tier_of_an_answer_without_a_price_is_charged_at_the_bound(
    house: House,
) -> None:
    house.limit("1")
    with prices_not_kept():
        Price.objects.filter(service_tier="flex").delete()
    ask(house, {"tier": "flex"})

    record = booked(house)
    assert (record.kind, record.cost_nanos) == ("estimated", record.held_nanos)


@pytest.mark.parametrize("tier", ["scale", "turbo", "batch-of-mine"])
def test_a_tier_without_a_price_is_refused_where_a_limit_applies(
    house: House, provider: rig.Provider, tier: str
) -> None:
    house.limit("1")
    before = len(provider.bills())

    with pytest.raises(BadRequestError) as refused:
        ask(house, {}, service_tier=tier)

    assert (refused.value.code, refused.value.param) == (
        "request_not_bounded",
        "service_tier",
    )
    assert (house.records(), len(provider.bills())) == ([], before)


def test_a_model_of_one_tier_is_asked_for_as_the_client_did(
    house: House, provider: rig.Provider
) -> None:
    house.client().chat.completions.create(
        model="house-special", messages=[{"role": "user", "content": "hello"}]
    )

    assert provider.bills()[-1]["service_tier"] is None


def test_sound_that_has_no_rate_is_never_charged_as_text(house: House) -> None:
    house.limit("1")
    ask(house, {"output": 20, "spoken": 15})

    record = booked(house)
    assert (record.kind, record.audio_output_tokens) == ("estimated", 15)
    assert record.cost_nanos == record.held_nanos


def test_a_cheaper_tier_that_no_answer_confirms_is_charged_as_standard(
    house: House,
) -> None:
    house.limit("1")
    ask(house, {}, service_tier="flex")

    record, price = booked(house), rates("")
    assert (record.price_id, record.service_tier) == (price.pk, "")
    assert record.cost_nanos == (
        record.input_tokens * price.input_nanos
        + record.output_tokens * price.output_nanos
    )
