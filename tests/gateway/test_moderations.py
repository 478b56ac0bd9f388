"""Moderations are free at OpenAI: booked at nothing, and never short of quota."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from django.utils import timezone

from billing.models import Price, PriceSource
from tests import rig
from tests.factories import suspend
from tests.gateway.conftest import House
from tests.gateway.raw import BODY, call, nothing_written

pytestmark = pytest.mark.processes

MODERATIONS = "/v1/moderations"


def judge(house: House, **change: Any) -> Any:
    return call(house.url, house.key, {"input": "Hi", **change}, path=MODERATIONS)


def test_a_moderation_costs_nothing_and_is_recorded(
    house: House, provider: rig.Provider
) -> None:
    house.limit("1")
    answer = house.client().moderations.create(input="I want to hurt them.")

    (record,) = house.records()
    assert answer.results[0].flagged
    assert (record.endpoint, record.model) == ("moderations", "omni-moderation-latest")
    assert (record.kind, record.outcome) == ("actual", "succeeded")
    assert (record.cost_nanos, record.held_nanos, record.price_id) == (0, 0, 0)
    assert provider.bills()[-1]["model"] == "omni-moderation-latest"
    assert house.holds() == []


def test_a_moderation_passes_where_the_limit_is_below_the_spending(
    house: House,
) -> None:
    assert call(house.url, house.key).status == 200
    house.limit("0")
    assert call(house.url, house.key, BODY).status == 429

    assert judge(house).status == 200

    assert [record.cost_nanos > 0 for record in house.records()] == [True, False]
    assert (house.budget().held_nanos, house.holds()) == (0, [])


def test_a_moderation_passes_where_only_credit_is_left(house: House) -> None:
    house.organization.billing_profile.delete()

    assert judge(house).status == 200


def test_a_suspended_organization_moderates_nothing(
    house: House, provider: rig.Provider
) -> None:
    suspend(house.organization)

    rig.wait_until(lambda: judge(house).status == 403)

    with nothing_written(provider):
        assert judge(house).status == 403


def test_a_moderation_of_another_provider_needs_a_price(
    house: House, provider: rig.Provider
) -> None:
    house.limit("1")
    with nothing_written(provider):
        assert judge(house, model="house-moderation").status == 404

    Price.objects.create(
        model="house-moderation",
        effective_from=timezone.now(),
        input_nanos=10,
        source=PriceSource.OPERATOR,
    )
    rig.wait_until(lambda: judge(house, model="house-moderation").status == 200)
    (record,) = house.records()
    assert record.cost_nanos == record.held_nanos > 0
    assert record.kind == "estimated"


def test_the_sandbox_judges_every_text(staging: House) -> None:
    staging.limit("1")
    answer = staging.client().moderations.create(input=["one", "two"])

    (record,) = staging.records()
    assert [result.flagged for result in answer.results] == [False, False]
    assert (record.simulated, record.cost_nanos) == (True, 0)


def test_a_chat_is_not_free_by_the_name_of_its_model(
    house: House, provider: rig.Provider
) -> None:
    house.limit("1")

    with nothing_written(provider), pytest.raises(openai.NotFoundError):
        house.client().chat.completions.create(
            model="omni-moderation-latest", messages=BODY["messages"]
        )
