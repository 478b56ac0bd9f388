"""Requests and tokens per minute: refused as OpenAI does, told in headers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import openai
import orjson
import pytest
import redis

from billing.models import RateLimit
from gateway.rate_limits.buckets import WINDOW_MS
from keys.models import ApiKey
from tests import rig
from tests.gateway.conftest import House, service_key
from tests.gateway.rates import limit_rate, shared_url
from tests.gateway.raw import BODY, Answer, call, nothing_written

pytestmark = pytest.mark.processes

HEADERS = [f"x-ratelimit-{n}-requests" for n in ("limit", "remaining", "reset")]
SMALL = {**BODY, "max_completion_tokens": 10}


@pytest.fixture(autouse=True)
def _no_counts() -> Iterator[None]:
    """Forget what earlier tests counted."""
    with redis.Redis.from_url(shared_url()) as client:
        client.flushdb()
        yield


def orders(**given: Any) -> dict[str, Any]:
    """Return a body that steers the provider."""
    content = orjson.dumps(given).decode()
    return {**SMALL, "messages": [{"role": "user", "content": content}]}


def limited(house: House, **given: Any) -> RateLimit:
    """Set a rate limit before the gateway has heard of the organization."""
    return limit_rate(house.organization, **given)


def minutes(text: str) -> float:
    """Return a duration as OpenAI writes it, in seconds."""
    found = re.fullmatch(r"(?:(\d+)m)?(?:([\d.]+)s|(\d+)ms)", text)
    assert found, text
    whole, seconds, milliseconds = found.groups()
    return int(whole or 0) * 60 + float(seconds or 0) + int(milliseconds or 0) / 1000


def ask(house: House, body: object = SMALL, **options: Any) -> Answer:
    return call(house.url, house.key, body, **options)


def test_without_a_rate_limit_there_are_no_headers_and_no_word_to_redis(
    house: House, provider: rig.Provider
) -> None:
    with redis.Redis.from_url(shared_url()) as client:
        before = scripts_run(client)
        answer = ask(house)
        assert scripts_run(client) == before

        limited(house, requests_per_minute=100)
        rig.wait_until(lambda: HEADERS[0] in ask(house).headers)
        assert scripts_run(client) > before
    assert answer.status == 200
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


def scripts_run(client: redis.Redis) -> int:
    stats: Any = client.info("commandstats")
    return sum(
        stats[f"cmdstat_{name}"]["calls"]
        for name in ("eval", "evalsha")
        if f"cmdstat_{name}" in stats
    )


def test_a_request_too_many_is_refused_and_leaves_nothing(
    house: House, provider: rig.Provider
) -> None:
    limited(house, requests_per_minute=2)
    assert [ask(house).status for _ in range(2)] == [200, 200]

    with nothing_written(provider):
        answer = ask(house)

    assert answer.summary == (429, "requests", "rate_limit_exceeded")
    name = house.organization.public_id
    assert answer.error["message"].startswith(
        f"Rate limit reached for gpt-4o-mini in organization {name} on requests per "
        "min (RPM): Limit 2, Used 2, Requested 1. Please try again in "
    )
    wait_ms = int(answer.headers["retry-after-ms"])
    assert 0 < wait_ms <= 30_000
    assert int(answer.headers["retry-after"]) == -(-wait_ms // 1000)
    assert "x-should-retry" not in answer.headers


def test_every_answer_says_what_is_left(house: House) -> None:
    limited(house, requests_per_minute=60, tokens_per_minute=100_000)

    first, second = ask(house), ask(house)

    assert first.headers["x-ratelimit-limit-requests"] == "60"
    assert first.headers["x-ratelimit-remaining-requests"] == "59"
    assert minutes(first.headers["x-ratelimit-reset-requests"]) == 1
    assert first.headers["x-ratelimit-limit-tokens"] == "100000"
    assert int(second.headers["x-ratelimit-remaining-tokens"]) < 100_000
    assert minutes(second.headers["x-ratelimit-reset-tokens"]) > 0


def test_streams_and_errors_say_it_too(house: House) -> None:
    limited(house, requests_per_minute=60)

    stream = ask(house, {**SMALL, "stream": True})
    broken = ask(house, orders(status=500))
    house.limit("0")
    refused = ask(house)

    assert [a.status for a in (stream, broken, refused)] == [200, 500, 429]
    assert refused.error["code"] == "organization_spend_limit_exceeded"
    assert [
        int(a.headers["x-ratelimit-remaining-requests"])
        for a in (stream, broken, refused)
    ] == [59, 58, 57]


def test_the_sdk_waits_and_succeeds(house: House) -> None:
    limited(house, requests_per_minute=60)
    client = house.client(max_retries=5)
    for _ in range(62):
        completion = client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[{"role": "user", "content": "Go."}],
            max_completion_tokens=1,
        )
        assert completion.choices


def test_the_sdk_raises_its_own_error(house: House) -> None:
    limited(house, requests_per_minute=1)
    ask(house)

    with pytest.raises(openai.RateLimitError) as refusal:
        house.client().embeddings.create(model="text-embedding-3-small", input="a")

    assert (refusal.value.type, refusal.value.code) == (
        "requests",
        "rate_limit_exceeded",
    )


def test_a_request_that_can_never_fit_says_so(
    house: House, provider: rig.Provider
) -> None:
    limited(house, tokens_per_minute=500)

    with nothing_written(provider):
        answer = ask(house, {**BODY, "max_completion_tokens": 600})

    assert answer.summary == (429, "tokens", "rate_limit_exceeded")
    assert answer.error["message"].startswith("Request too large for gpt-4o-mini")
    assert answer.headers["x-should-retry"] == "false"
    assert "retry-after" not in answer.headers
    assert answer.headers["x-ratelimit-remaining-tokens"] == "500"
    assert ask(house).status == 200


def test_tokens_are_corrected_by_what_was_used(house: House) -> None:
    limited(house, tokens_per_minute=1_000_000)

    def is_corrected() -> bool:
        with redis.Redis.from_url(shared_url()) as client:
            (key,) = client.keys("tokenhouse:rates:*:tokens")
            used, _ = client.get(key).split()
        return int(used) < 100 * WINDOW_MS

    ask(house, {**orders(output=3), "max_completion_tokens": 400_000})
    rig.wait_until(is_corrected, what="the guess was not corrected")


def test_usage_beyond_the_guess_is_owed(house: House) -> None:
    limited(house, tokens_per_minute=2_000)

    unbounded = orders(output=3900)
    del unbounded["max_completion_tokens"]
    assert ask(house, unbounded).status == 200

    rig.wait_until(lambda: ask(house).status == 429, what="nothing is owed")
    assert int(ask(house).headers["retry-after"]) > 30


def test_what_was_never_sent_gives_its_tokens_back(house: House) -> None:
    limited(house, tokens_per_minute=2_000)
    house.limit("0")
    large = {**BODY, "max_completion_tokens": 1_900}

    def reaches_the_books() -> bool:
        code = ask(house, large).error["code"]
        return bool(code == "organization_spend_limit_exceeded")

    for _ in range(3):
        rig.wait_until(reaches_the_books, what="the tokens were not given back")


def test_a_limit_of_a_key_is_its_own_and_named(house: House) -> None:
    key = ApiKey.objects.get(organization=house.organization)
    other = service_key(house.organization)
    limited(house, api_key=key, requests_per_minute=1)

    assert ask(house).status == 200
    refused = ask(house)

    assert refused.status == 429
    assert "The limit is that of the key “tests”" in refused.error["message"]
    assert call(house.url, other, SMALL).status == 200


def test_a_limit_of_models_counts_them_together_and_no_others(house: House) -> None:
    limited(house, model="gpt-4o*", requests_per_minute=1)

    assert ask(house).status == 200
    assert ask(house, {**SMALL, "model": "gpt-4o-2024-08-06"}).status == 429
    answer = ask(house, {**SMALL, "model": "gpt-5"})
    assert answer.status == 200
    assert "x-ratelimit-limit-requests" not in answer.headers


def test_the_tightest_limit_is_the_one_in_the_headers(house: House) -> None:
    limit_rate(house.organization, requests_per_minute=100)
    limited(house, model="gpt-4o-mini", requests_per_minute=7)

    answer = ask(house)

    assert answer.headers["x-ratelimit-limit-requests"] == "7"
    assert answer.headers["x-ratelimit-remaining-requests"] == "6"


def test_one_limit_that_refuses_takes_nothing_from_the_others(house: House) -> None:
    limit_rate(house.organization, requests_per_minute=100)
    limited(house, model="gpt-4o-mini", requests_per_minute=1)
    for _ in range(4):
        ask(house)

    answer = ask(house, {**SMALL, "model": "gpt-5"})

    assert answer.headers["x-ratelimit-remaining-requests"] == "98"


def test_a_change_counts_at_once(house: House) -> None:
    limited(house, requests_per_minute=1)
    ask(house)
    assert ask(house).status == 429

    limited(house, requests_per_minute=50)
    rig.wait_until(lambda: ask(house).headers[HEADERS[0]] == "50")
    assert ask(house).status == 200

    RateLimit.objects.all().delete()
    rig.wait_until(lambda: HEADERS[0] not in ask(house).headers)


def test_organizations_do_not_share(house: House, staging: House) -> None:
    limited(house, requests_per_minute=1)
    ask(house)
    assert ask(house).status == 429

    answer = call(staging.url, staging.key, {**SMALL, "model": "sandbox-1"})

    assert answer.status == 200
    assert HEADERS[0] not in answer.headers
