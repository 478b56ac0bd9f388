"""What of an answer fits is computed exactly, and asked for if an owner wants that."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from billing.actions.price_seeding import seed_prices
from billing.models import GatewaySettings
from billing.pricing import Rates
from core.money import exact_usd
from gateway.calls import Call, bound_nanos, read_call
from gateway.clamping import LEAST_TOKENS, longest_fit, shortened
from orgs.models import Organization
from tests import rig
from tests.gateway.conftest import House, furnish_at
from tests.gateway.raw import ASK, Answer, call, nothing_written
from tests.gateway.test_calls_bounds import ENDLESS, RATES, bodies
from tests.gateway.test_hard_limit_under_concurrency import true_cost, two_gateways
from usage.models import Endpoint

HEADER = "x-tokenhouse-max-output-tokens"


def chat(body: dict[str, Any]) -> Call:
    raw = orjson.dumps(body)
    return read_call(Endpoint.CHAT_COMPLETIONS, "/chat/completions", raw)


@given(bodies, st.integers(0, 10**11), st.sampled_from([RATES, ENDLESS]))
def test_the_longest_fit_fits_and_a_token_more_does_not(
    body: dict[str, Any], left_nanos: int, rates: Rates
) -> None:
    asked = chat(body)

    most = longest_fit(asked, rates, left_nanos)

    if most is not None:
        fits, more = shortened(asked, most), shortened(asked, most + 1)
        assert bound_nanos(fits, rates) <= left_nanos < bound_nanos(more, rates)


@given(bodies, st.integers(0, 10**9))
def test_where_nothing_fits_the_least_does_not_fit_either(
    body: dict[str, Any], left_nanos: int
) -> None:
    asked = chat(body)

    if longest_fit(asked, RATES, left_nanos) is None:
        least = bound_nanos(shortened(asked, LEAST_TOKENS), RATES)
        assert least > left_nanos or bound_nanos(asked, RATES) <= left_nanos


def test_choices_share_what_is_left() -> None:
    one = longest_fit(chat(asking(n=1)), RATES, 4_000_000)
    four = longest_fit(chat(asking(n=4)), RATES, 4_000_000)

    assert one is not None
    assert four == one // 4


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({}, {"max_completion_tokens": 50}),
        ({"max_tokens": 900}, {"max_tokens": 50}),
        ({"max_tokens": None}, {"max_tokens": None, "max_completion_tokens": 50}),
        (
            {"max_tokens": 20, "max_completion_tokens": 900},
            {"max_tokens": 20, "max_completion_tokens": 50},
        ),
    ],
)
def test_the_length_that_the_client_states_is_lowered(
    fields: dict[str, Any], sent: dict[str, Any]
) -> None:
    payload = orjson.loads(shortened(chat(asking(**fields)), 50).payload)

    lengths = {name: payload[name] for name in payload if name.startswith("max_")}
    assert lengths == sent


def asking(**fields: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": ASK, **fields}


@pytest.fixture
def clamping(house: House) -> House:
    """Acme with a tenth of a cent to spend, and answers shortened to what fits."""
    GatewaySettings.objects.create(organization=house.organization, clamps_output=True)
    house.limit("0.001")
    return house


@pytest.mark.processes
def test_what_does_not_fit_is_shortened_and_says_so(
    clamping: House, provider: rig.Provider
) -> None:
    answer = call(clamping.url, clamping.key, asking())

    most = int(answer.headers[HEADER])
    bill = provider.bills()[-1]
    assert answer.status == 200
    assert bill["most"] == most
    rest = 1_000_000 - bill["bytes"] * 150
    assert most == rest // 600


@pytest.mark.processes
def test_a_stream_says_so_too(clamping: House) -> None:
    body = asking(stream=True)

    answer = call(clamping.url, clamping.key, body)

    assert int(answer.headers[HEADER]) > LEAST_TOKENS
    assert b"[DONE]" in answer.body


@pytest.mark.processes
@pytest.mark.parametrize(
    ("path", "fields", "length"),
    [
        ("/v1/responses", {"input": "Say something."}, "max_output_tokens"),
        ("/v1/completions", {"prompt": "Once", "max_tokens": 4000}, "max_tokens"),
    ],
)
def test_other_endpoints_are_shortened_by_their_own_parameter(
    clamping: House, path: str, fields: dict[str, Any], length: str
) -> None:
    model = "gpt-3.5-turbo-instruct" if "prompt" in fields else "gpt-4o-mini"
    answer = call(clamping.url, clamping.key, {"model": model, **fields}, path=path)

    assert answer.status == 200, answer.body
    assert LEAST_TOKENS <= int(answer.headers[HEADER]) < 4000


@pytest.mark.processes
def test_what_fits_as_it_is_is_left_alone(
    clamping: House, provider: rig.Provider
) -> None:
    answer = call(clamping.url, clamping.key, asking(max_completion_tokens=20))

    assert HEADER not in answer.headers
    assert provider.bills()[-1]["most"] == 20


@pytest.mark.processes
def test_less_than_16_tokens_are_refused(
    clamping: House, provider: rig.Provider
) -> None:
    clamping.limit(exact_usd(len(orjson.dumps(asking())) * 150 + 15 * 600))

    with nothing_written(provider):
        refused = call(clamping.url, clamping.key, asking())

    assert refused.error["code"] == "organization_spend_limit_exceeded"
    assert "To fit what is left" not in refused.error["message"]


@pytest.mark.processes
def test_without_the_setting_the_refusal_tells_what_would_fit(
    house: House, provider: rig.Provider
) -> None:
    house.limit("0.001")
    with nothing_written(provider):
        refused = call(house.url, house.key, asking())

    most = told(refused)
    with nothing_written(provider):
        call(house.url, house.key, asking(max_completion_tokens=most + 1))
    fits = call(house.url, house.key, asking(max_completion_tokens=most))
    assert fits.status == 200


def told(refused: Answer) -> int:
    """Return the length that a refusal names."""
    message: str = refused.error["message"]
    _, _, rest = message.partition("set max_completion_tokens to at most ")
    return int(rest.partition(".")[0])


@pytest.mark.processes
def test_turning_it_on_holds_at_once(house: House) -> None:
    house.limit("0.001")
    assert call(house.url, house.key, asking()).status == 429

    GatewaySettings.objects.create(organization=house.organization, clamps_output=True)

    rig.wait_until(lambda: call(house.url, house.key, asking()).status == 200)


@pytest.mark.processes
def test_many_at_once_are_shortened_and_stay_within_the_limit(
    committed_db: None, folder: Path, provider: rig.Provider, acme: Organization
) -> None:
    seed_prices(now=timezone.now())
    limit, before = 4_000_000, len(provider.bills())
    body = asking()
    body["messages"] = [{"role": "user", "content": '{"output": 9000}'}]
    with two_gateways(folder, "config.asgi:application") as urls:
        house = furnish_at(acme, provider, urls[0])
        GatewaySettings.objects.create(organization=acme, clamps_output=True)
        house.limit(exact_usd(limit))
        with ThreadPoolExecutor(20) as threads:
            asked = [threads.submit(call, url, house.key, body) for url in urls * 10]
            statuses = {each.result().status for each in asked}

    assert statuses == {200, 429}
    assert true_cost(provider.bills()[before:]) <= limit
    assert house.budget().spent_nanos <= limit
    assert house.holds() == []
