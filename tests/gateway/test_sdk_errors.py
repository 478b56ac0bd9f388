"""The official SDK raises its own classes here, and retries what may be retried."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import openai
import orjson
import pytest

from tests import rig
from tests.factories import suspend
from tests.gateway.conftest import House
from tests.gateway.test_refusals_by_provider import move_provider

pytestmark = pytest.mark.processes

MODEL = "gpt-4o-mini"


class Counted:
    """A client with the SDK's own retries, which counts what it sends."""

    def __init__(self, http: Any, house: House, **options: Any) -> None:
        self.requests: list[Any] = []
        http.event_hooks = {"request": [self.requests.append]}
        given = {"max_retries": 2, "http_client": http, **options}
        self.client = house.client(**given)

    def ask(self, **orders: Any) -> Any:
        content = orjson.dumps(orders).decode()
        return self.client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": content}],
            max_completion_tokens=20,
        )


@pytest.fixture
def http() -> Iterator[Any]:
    with openai.DefaultHttpxClient() as client:
        yield client


def test_a_wrong_key_raises_an_authentication_error_once(
    http: Any, house: House
) -> None:
    asking = Counted(http, House(house.organization, "th-service-wrong", house.url))

    with pytest.raises(openai.AuthenticationError) as failure:
        asking.ask()

    error = failure.value
    assert (error.status_code, error.code) == (401, "invalid_api_key")
    assert error.type == "invalid_request_error"
    assert len(asking.requests) == 1


def test_an_error_holds_its_request_id_and_its_object(http: Any, house: House) -> None:
    house.limit("0.000001")

    with pytest.raises(openai.RateLimitError) as failure:
        Counted(http, house).ask()

    error = failure.value
    assert error.request_id is not None
    assert error.request_id == error.response.headers["x-request-id"]
    body: Any = error.body
    assert body["limit_usd"] == 0.000001
    assert {"spent_usd", "held_usd", "resets_at", "help_url"} <= set(body)


def test_a_quota_refusal_is_not_sent_again(
    http: Any, house: House, provider: rig.Provider
) -> None:
    house.limit("0.000001")
    asking, before = Counted(http, house), len(provider.bills())

    with pytest.raises(openai.RateLimitError) as failure:
        asking.ask()

    assert failure.value.type == "insufficient_quota"
    assert failure.value.code == "organization_spend_limit_exceeded"
    assert failure.value.response.headers["x-should-retry"] == "false"
    assert (len(asking.requests), len(provider.bills())) == (1, before)


def test_a_provider_that_cannot_be_reached_is_tried_again(
    http: Any, house: House
) -> None:
    move_provider(house, f"http://127.0.0.1:{rig.free_port()}/v1")
    asking = Counted(http, house)

    with pytest.raises(openai.InternalServerError) as failure:
        asking.ask()

    assert (failure.value.status_code, failure.value.code) == (
        502,
        "upstream_unreachable",
    )
    assert len(asking.requests) == 3
    rig.wait_until(lambda: house.holds() == [])
    assert house.records() == []


def test_each_attempt_at_a_failing_provider_is_a_record(
    http: Any, house: House, provider: rig.Provider
) -> None:
    asking, before = Counted(http, house), len(provider.bills())

    with pytest.raises(openai.InternalServerError) as failure:
        asking.ask(status=503)

    assert failure.value.code == "their_own"
    assert len(provider.bills()) - before == len(asking.requests) == 3
    assert [record.outcome for record in house.records()] == ["provider_error"] * 3


def test_an_unknown_model_raises_not_found(http: Any, house: House) -> None:
    house.limit("1")
    asking = Counted(http, house)

    with pytest.raises(openai.NotFoundError) as failure:
        asking.client.embeddings.create(model="no-such-model", input="x")

    assert failure.value.code == "model_not_found"
    assert len(asking.requests) == 1


def test_a_malformed_request_names_its_parameter(http: Any, house: House) -> None:
    asking: Any = Counted(http, house)

    with pytest.raises(openai.BadRequestError) as failure:
        asking.client.chat.completions.create(model=MODEL, messages="Hello")

    assert failure.value.param == "messages"
    assert len(asking.requests) == 1


def test_a_suspended_organization_raises_permission_denied(
    http: Any, house: House
) -> None:
    suspend(house.organization)
    time.sleep(1)
    asking = Counted(http, house)

    with pytest.raises(openai.PermissionDeniedError) as failure:
        asking.ask()

    assert failure.value.code == "organization_suspended"
    assert "A bill is open." in str(failure.value)
    assert len(asking.requests) == 1


def test_a_provider_that_hangs_raises_an_internal_server_error(
    http: Any, house: House
) -> None:
    with pytest.raises(openai.InternalServerError) as failure:
        Counted(http, house, max_retries=0).ask(hang=True)

    assert (failure.value.status_code, failure.value.code) == (504, "upstream_timeout")


def test_a_client_that_waits_less_raises_its_own_time_out(
    http: Any, house: House
) -> None:
    with pytest.raises(openai.APITimeoutError):
        Counted(http, house, max_retries=0, timeout=0.3).ask(pause_s=1)

    rig.wait_until(lambda: bool(house.records()), what="nothing was booked")
    (record,) = house.records()
    assert record.kind == "actual", "the answer came, though nobody waited"


def test_a_gateway_that_is_away_raises_a_connection_error(
    http: Any, house: House
) -> None:
    away = House(house.organization, house.key, f"http://127.0.0.1:{rig.free_port()}")

    with pytest.raises(openai.APIConnectionError):
        Counted(http, away, max_retries=0).ask()
