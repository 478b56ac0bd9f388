"""Identical deterministic requests come from the cache, where owners want that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.utils import timezone

from billing.actions.gateway_settings import GatewayWish, set_gateway_settings
from billing.actions.price_seeding import seed_prices
from billing.verification.report import verify
from orgs.models import Organization
from tests import rig
from tests.gateway.conftest import House, furnish_at
from tests.gateway.raw import Answer, call, nothing_written
from usage.actions import roll_up

pytestmark = pytest.mark.processes

HEADER = "x-tokenhouse-cache"
CHAT, EMBED = "/v1/chat/completions", "/v1/embeddings"


def ask(content: str = '{"output": 7}', **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": content}]
    return {"model": "gpt-4o-mini", "messages": messages, "temperature": 0, **fields}


EMBEDDING = {"model": "text-embedding-3-small", "input": "a word"}


def turn_on(organization: Organization, *, is_on: bool = True) -> None:
    wish = GatewayWish(clamps_output=False, caches_answers=is_on, cache_s=300)
    set_gateway_settings(
        organization=organization, wish=wish, acting_user=None, now=timezone.now()
    )


@pytest.fixture
def caching(house: House) -> House:
    """Acme with its cache on, as its gateway knows."""
    turn_on(house.organization)
    rig.wait_until(lambda: HEADER in send(house, ask("is it on?")).headers)
    return house


def send(house: House, body: Any, path: str = CHAT, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return call(house.url, house.key, body, path=path, headers=named)


def results(house: House, *bodies: Any, path: str = CHAT) -> list[str | None]:
    return [send(house, body, path).headers.get(HEADER) for body in bodies]


def test_the_same_again_comes_from_the_cache_and_costs_nothing(
    caching: House, provider: rig.Provider
) -> None:
    first = send(caching, ask())
    spent, asked = caching.budget().spent_nanos, len(provider.bills())
    again = send(caching, ask())

    assert (first.headers[HEADER], again.headers[HEADER]) == ("miss", "hit")
    assert again.body == first.body
    assert again.headers["x-tokenhouse-cost-usd"] == "0"
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert caching.budget().spent_nanos == spent
    assert len(provider.bills()) == asked
    assert caching.holds() == []


def test_a_hit_is_recorded_with_its_tokens_and_the_books_add_up(
    caching: House,
) -> None:
    send(caching, ask())
    send(caching, ask())

    miss, hit = caching.records()[-2:]
    assert (hit.outcome, hit.kind, hit.cost_nanos) == ("cached", "actual", 0)
    assert (hit.input_tokens, hit.output_tokens) == (miss.input_tokens, 7)
    roll_up(now=timezone.now())
    found = verify(sweep_interval_s=60)
    assert [each for each in found if each.differences] == []


def test_a_stream_comes_from_the_cache_as_a_stream(caching: House) -> None:
    first = send(caching, ask(stream=True))
    again = send(caching, ask(stream=True))
    whole = send(caching, ask())

    assert again.headers[HEADER] == "hit"
    assert again.body == first.body
    assert b"[DONE]" in again.body
    assert whole.headers[HEADER] == "miss"


def test_who_asks_for_usage_does_not_get_a_stream_without(caching: House) -> None:
    plain = ask(stream=True)
    with_usage = ask(stream=True, stream_options={"include_usage": True})

    assert results(caching, plain, with_usage, with_usage) == ["miss", "miss", "hit"]
    assert b'"usage"' not in send(caching, plain).body


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (EMBED, EMBEDDING),
        ("/v1/moderations", {"input": "a word"}),
        (CHAT, ask(temperature=1, seed=7)),
        (
            "/v1/responses",
            {"model": "gpt-4o-mini", "input": "a", "temperature": 0, "store": False},
        ),
        (
            "/v1/completions",
            {"model": "gpt-3.5-turbo-instruct", "prompt": "a", "temperature": 0},
        ),
    ],
)
def test_what_has_one_answer_is_cached(
    caching: House, path: str, body: dict[str, Any]
) -> None:
    assert results(caching, body, body, path=path) == ["miss", "hit"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, ask(temperature=0.1)),
        (CHAT, {**ask(), "temperature": None}),
        (CHAT, ask(store=True)),
        (CHAT, ask(web_search_options={})),
        ("/v1/responses", {"model": "gpt-4o-mini", "input": "a", "temperature": 0}),
        (
            "/v1/responses",
            {
                "model": "gpt-4o-mini",
                "input": "a",
                "temperature": 0,
                "store": False,
                "tools": [{"type": "web_search"}],
            },
        ),
    ],
)
def test_what_may_have_another_answer_is_not(
    caching: House, path: str, body: dict[str, Any]
) -> None:
    if body.get("web_search_options") == {}:
        body = {**body, "web_search_options": {"search_context_size": "low"}}

    assert results(caching, body, body, path=path) == [None, None]


def test_who_asks_does_not_matter_and_what_is_asked_does(caching: House) -> None:
    bodies = [ask(user="ada"), ask(user="rita"), ask(n=2), ask("other")]

    assert results(caching, *bodies) == ["miss", "hit", "miss", "miss"]


def test_the_order_of_fields_does_not_matter(caching: House) -> None:
    body = ask()

    assert results(caching, body, dict(reversed(body.items()))) == ["miss", "hit"]


def test_a_client_can_ask_anew_or_leave_nothing(caching: House) -> None:
    asked = [
        send(caching, ask(), cache_control=wish).headers.get(HEADER)
        for wish in ("no-store", "no-cache", "", "no-cache")
    ]

    assert asked == [None, "bypass", "hit", "bypass"]


def test_an_error_and_a_broken_stream_are_not_cached(caching: House) -> None:
    error = ask('{"status": 500}')
    broken = ask('{"output": 9, "drop_after": 3}', stream=True)

    assert results(caching, error, error) == ["miss", "miss"]
    assert results(caching, broken, broken) == ["miss", "miss"]


def test_it_is_off_until_an_owner_turns_it_on(house: House) -> None:
    assert results(house, ask(), ask()) == [None, None]
    assert answers_in_redis() == set()


def answers_in_redis() -> set[bytes]:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        return set(client.scan_iter("tokenhouse:answer:*"))


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter("tokenhouse:answer*"):
            client.delete(key)


def test_another_organization_never_gets_the_answer(
    caching: House, globex: Organization, furnish: Callable[[Organization], House]
) -> None:
    stranger = furnish(globex)
    turn_on(globex)
    rig.wait_until(lambda: HEADER in send(stranger, ask("is it on?")).headers)

    assert results(caching, ask(), ask()) == ["miss", "hit"]
    assert results(stranger, ask()) == ["miss"]


def test_an_answer_moved_to_another_name_does_not_open(caching: House) -> None:
    before = answers_in_redis()
    send(caching, ask())
    (one,) = answers_in_redis() - before
    send(caching, ask("other"))
    (other,) = answers_in_redis() - before - {one}
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.copy(one, other, replace=True)
        assert b"word" not in client.get(other)

    assert results(caching, ask("other"), ask()) == ["miss", "hit"]


def test_a_change_of_settings_empties_the_cache(caching: House) -> None:
    send(caching, ask())
    turn_on(caching.organization, is_on=False)
    rig.wait_until(lambda: HEADER not in send(caching, ask()).headers)
    turn_on(caching.organization)
    rig.wait_until(lambda: HEADER in send(caching, ask("is it on?")).headers)

    assert results(caching, ask(), ask()) == ["miss", "hit"]


def test_a_hit_needs_no_room_in_the_limit(caching: House) -> None:
    send(caching, ask())
    caching.limit("0")

    assert send(caching, ask()).status == 200
    assert send(caching, ask("other")).status == 429


def test_a_hit_is_kept_for_its_idempotency_key(
    caching: House, provider: rig.Provider
) -> None:
    send(caching, ask())
    first = send(caching, ask(), idempotency_key="order-1")
    with nothing_written(provider):
        again = send(caching, ask(), idempotency_key="order-1")

    assert first.headers[HEADER] == again.headers[HEADER] == "hit"
    assert again.headers["x-tokenhouse-replayed"] == "true"
    assert again.headers["x-request-id"] == first.headers["x-request-id"]


def test_without_redis_each_request_is_asked_anew(
    committed_db: None, acme: Organization, provider: rig.Provider, folder: Path
) -> None:
    seed_prices(now=timezone.now())
    nowhere = f"redis://127.0.0.1:{rig.free_port()}/0"
    with rig.gateway(folder, REDIS_URL=nowhere) as gateway:
        house = furnish_at(acme, provider, gateway.url)
        turn_on(acme)
        rig.wait_until(lambda: HEADER in send(house, ask("is it on?")).headers)

        assert results(house, ask(), ask()) == ["miss", "miss"]


def test_the_official_client_reads_a_cached_stream(caching: House) -> None:
    texts = []
    for _ in range(2):
        with caching.client().chat.completions.stream(
            model="gpt-4o-mini", messages=ask()["messages"], temperature=0
        ) as stream:
            texts.append(stream.get_final_completion().choices[0].message.content)

    assert texts[0] == texts[1] == "word " * 7
    assert [record.outcome for record in caching.records()][-1] == "cached"
