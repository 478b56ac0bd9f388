"""Providers that fail: what the client is told, and what is charged."""

from __future__ import annotations

import time
from typing import Any

import openai
import orjson
import pytest
from django.utils import timezone

from billing.models import Price
from keys.actions import store_provider_key
from tests import rig
from tests.gateway.conftest import House
from tests.gateway.raw import BODY, Answer, call, nothing_written

pytestmark = pytest.mark.processes


def ordering(*, stream: bool = False, **orders: Any) -> dict[str, Any]:
    """Return a body that tells the provider what to do."""
    content = orjson.dumps(orders).decode()
    messages = [{"role": "user", "content": content}]
    body = {**BODY, "messages": messages, "max_completion_tokens": 50}
    return {**body, "stream": True} if stream else body


def ask(house: House, body: dict[str, Any]) -> Answer:
    house.limit("1")
    return call(house.url, house.key, body)


def assert_charged_at_the_bound(house: House, outcome: str, status: int) -> None:
    """What the provider charges is not known: then the hold becomes the charge."""
    (record,) = house.records()
    assert (record.kind, record.outcome) == ("estimated", outcome)
    assert record.status_code == status
    assert record.cost_nanos == record.held_nanos > 0
    assert house.budget().spent_nanos == record.cost_nanos
    assert (house.budget().held_nanos, house.holds()) == (0, [])


def move_provider(house: House, base_url: str) -> None:
    store_provider_key(
        organization=house.organization,
        base_url=base_url,
        secret="sk-provider-secret",
        acting_user=None,
        now=timezone.now(),
    )
    time.sleep(0.5)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_provider_that_cannot_be_reached_costs_nothing(
    house: House, provider: rig.Provider, streamed: bool
) -> None:
    move_provider(house, f"http://127.0.0.1:{rig.free_port()}/v1")

    with nothing_written(provider):
        answer = ask(house, ordering(stream=streamed))
        rig.wait_until(lambda: house.holds() == [], deadline_s=2)

    assert answer.summary == (502, "server_error", "upstream_unreachable")
    assert "Nothing was charged" in answer.error["message"]


def test_models_of_a_provider_that_cannot_be_reached(house: House) -> None:
    move_provider(house, f"http://127.0.0.1:{rig.free_port()}/v1")

    answer = call(house.url, house.key, method="GET", path="/v1/models")

    assert answer.summary == (502, "server_error", "upstream_unreachable")


def test_a_provider_that_hangs_is_charged_at_the_bound(
    house: House, provider: rig.Provider
) -> None:
    bills = len(provider.bills())

    answer = ask(house, ordering(hang=True))

    assert answer.summary == (504, "server_error", "upstream_timeout")
    assert len(provider.bills()) == bills + 1
    assert_charged_at_the_bound(house, "provider_lost", 504)


def test_an_unstreamed_answer_that_breaks_off_is_charged_at_the_bound(
    house: House, provider: rig.Provider
) -> None:
    bills = len(provider.bills())

    answer = ask(house, ordering(drop_answer=True))

    assert answer.summary == (502, "server_error", "upstream_unreachable")
    assert "broke off" in answer.error["message"]
    assert len(provider.bills()) == bills + 1
    assert_charged_at_the_bound(house, "provider_lost", 502)


def test_a_stream_that_breaks_off_ends_in_an_error_and_is_charged_at_the_bound(
    house: House,
) -> None:
    answer = ask(house, ordering(stream=True, output=9, drop_after=3))

    *events, last = answer.body.decode().strip().split("\n\n")
    assert answer.status == 200
    assert sum("word " in event for event in events) == 3
    error = orjson.loads(last.removeprefix("data: "))["error"]
    assert (error["type"], error["code"]) == ("server_error", "upstream_unreachable")
    assert_charged_at_the_bound(house, "provider_lost", 200)


def test_the_sdk_raises_when_a_stream_breaks_off(house: House) -> None:
    body = ordering(stream=True, output=9, drop_after=3)

    with (
        pytest.raises(openai.APIError, match="broke off"),
        house.client().chat.completions.create(**body) as stream,
    ):
        list(stream)


def test_an_answer_without_usage_is_charged_at_the_bound(house: House) -> None:
    assert ask(house, ordering(usage=False)).status == 200

    assert_charged_at_the_bound(house, "succeeded", 200)


def test_a_stream_without_usage_is_charged_at_the_bound(house: House) -> None:
    assert ask(house, ordering(stream=True, usage=False)).status == 200

    assert_charged_at_the_bound(house, "succeeded", 200)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_the_providers_own_error_passes_unchanged_and_costs_nothing(
    house: House, provider: rig.Provider, status: int, streamed: bool
) -> None:
    answer = ask(house, ordering(stream=streamed, status=status))

    error = {"message": "no", "type": "server_error", "code": "their_own"}
    assert (answer.status, orjson.loads(answer.body)) == (status, {"error": error})
    assert answer.headers["openai-organization"] == house.organization.public_id
    (record,) = house.records()
    assert (record.kind, record.outcome) == ("actual", "provider_error")
    assert (record.status_code, record.cost_nanos) == (status, 0)
    assert record.held_nanos > 0
    assert (house.budget().spent_nanos, house.budget().held_nanos) == (0, 0)
    assert house.holds() == []


def test_a_client_that_leaves_is_charged_what_the_provider_bills(
    house: House, provider: rig.Provider
) -> None:
    body = ordering(stream=True, output=20, pause_s=0.05)
    with house.client().chat.completions.create(**body) as stream:
        next(iter(stream))

    rig.wait_until(lambda: len(house.records()) == 1)

    (record,) = house.records()
    usage = provider.bills()[-1]["usage"]
    assert (record.kind, record.outcome) == ("actual", "client_left")
    assert record.input_tokens == usage["prompt_tokens"]
    assert record.output_tokens == usage["completion_tokens"] == 20
    assert house.holds() == []


def test_a_client_that_leaves_a_slow_provider_is_charged_at_the_bound(
    house: House,
) -> None:
    """The gateway of these tests hears a provider out for two seconds."""
    house.limit("1")
    body = ordering(stream=True, output=20, pause_s=1)
    with house.client().chat.completions.create(**body) as stream:
        next(iter(stream))

    rig.wait_until(lambda: len(house.records()) == 1)

    assert_charged_at_the_bound(house, "client_left", 200)


def test_the_estimate_is_priced_like_the_request(house: House) -> None:
    body = ordering(usage=False)
    ask(house, body)

    (record,) = house.records()
    price = Price.objects.get(pk=record.price_id)
    assert price.input_nanos is not None
    assert price.output_nanos is not None
    sent = orjson.dumps({**body, "service_tier": "default"})
    assert record.cost_nanos == len(sent) * price.input_nanos + 50 * price.output_nanos
