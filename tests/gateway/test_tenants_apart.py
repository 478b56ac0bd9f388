"""Organizations at one gateway never meet, and no request leads where it says."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.utils import timezone

from keys.actions import store_provider_key
from orgs.models import Organization
from tests import rig
from tests.gateway.conftest import House
from tests.gateway.raw import BODY, call, nothing_written

pytestmark = pytest.mark.processes


@pytest.fixture
def canary() -> Iterator[socket.socket]:
    """An address that nobody should ever speak to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def was_visited(canary: socket.socket) -> bool:
    try:
        canary.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_two_organizations_at_once_keep_their_provider_keys_apart(
    house: House,
    globex: Organization,
    furnish: Callable[[Organization], House],
    provider: rig.Provider,
) -> None:
    houses = [house, furnish(globex)]
    for each in houses:
        give_own_provider_key(each, provider)
    before = len(provider.bills())

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask_by_name, houses * 20))

    assert [answer.status for answer in answers] == [200] * 40
    seen = [(b["authorization"], b["most"]) for b in provider.bills()[before:]]
    assert sorted(set(seen)) == sorted(
        (f"Bearer {n}", len(n)) for n in map(name, houses)
    )
    assert [len(each.records()) for each in houses] == [20, 20]


def name(house: House) -> str:
    return f"sk-provider-of-{house.organization.slug}"


def give_own_provider_key(house: House, provider: rig.Provider) -> None:
    store_provider_key(
        organization=house.organization,
        base_url=f"{provider.url}/v1",
        secret=name(house),
        acting_user=None,
        now=timezone.now(),
    )


def ask_by_name(house: House) -> Any:
    """Ask for an answer whose longest length tells who asked."""
    body = {**BODY, "max_completion_tokens": len(name(house))}
    return call(house.url, house.key, body)


def test_no_field_of_a_body_leads_to_another_provider(
    house: House, provider: rig.Provider, canary: socket.socket
) -> None:
    address = f"http://127.0.0.1:{canary.getsockname()[1]}/v1"
    names = ("api_base", "base_url", "api_key", "custom_llm_provider", "url", "headers")
    before = len(provider.bills())

    body = {**BODY, **dict.fromkeys(names, address)}
    assert call(house.url, house.key, body).status == 200

    (bill,) = provider.bills()[before:]
    assert bill["authorization"] == "Bearer sk-provider-secret"
    assert not was_visited(canary)


@pytest.mark.parametrize(
    "host", ["127.0.0.1/v1/models?", "localhost:99999", "a b", "healthz", "", "@x", "["]
)
def test_no_host_header_opens_the_door(house: House, host: str) -> None:
    with nothing_written():
        answer = call(house.url, None, headers={"Host": host})

    assert answer.status in (400, 401)


def test_no_part_of_a_key_opens_what_the_whole_one_opened(house: House) -> None:
    """A cache that goes by part of a key would know each of these by now."""
    assert call(house.url, house.key).status == 200
    cuts = [house.key[:length] for length in range(4, len(house.key), 4)]
    others = [house.key[:-6] + "AAAAAA", house.key.upper(), house.key + house.key[-1]]

    with nothing_written():
        answers = [call(house.url, text) for text in [*cuts, *others]]

    assert {answer.status for answer in answers} == {401}


@pytest.mark.parametrize("header", ["x-api-key", "api-key", "x-goog-api-key", "cookie"])
def test_no_other_header_carries_a_key(house: House, header: str) -> None:
    with nothing_written():
        answer = call(house.url, None, headers={header: house.key})

    assert answer.status == 401


@pytest.mark.parametrize(
    "text",
    [
        "' OR '1'='1",
        "th-service-' OR 1=1 --",
        "1; DROP TABLE keys_apikey",
        "%27%20OR%201=1",
        "th-service-AAAAAAAAAAAA-" + "A" * 49,
        "\x00",
        "x" * 8000,
    ],
)
def test_no_text_as_a_key_is_more_than_a_wrong_key(house: House, text: str) -> None:
    header = {"Authorization": f"Bearer {text}"}

    with nothing_written():
        answer = call(house.url, None, headers=header)

    assert answer.status in (400, 401)
