"""`Idempotency-Key`: the first answer is given again, and charged once."""

from __future__ import annotations

import http.client
import uuid
from typing import Any
from urllib.parse import urlsplit

import openai
import orjson
import pytest

from billing.models import GatewayProcess, KeptAnswer, Price, RateLimit
from core.money import exact_usd
from keys.actions import store_provider_key
from tests import rig
from tests.gateway.conftest import House, service_key
from tests.gateway.raw import BODY, Answer, call, nothing_written
from tests.gateway.streams import ask_for
from tests.prices import prices_not_kept

pytestmark = pytest.mark.processes


def ask(content: str = '{"output": 7}', **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": content}]
    return {"model": "gpt-4o-mini", "messages": messages, **fields}


def send(house: House, body: Any, key: str = "order-1", **headers: str) -> Answer:
    sent = {"Idempotency-Key": key, **headers}
    return call(house.url, house.key, body, headers=sent)


def test_the_same_again_is_answered_again_and_charged_once(
    house: House, provider: rig.Provider
) -> None:
    first = send(house, ask())
    with nothing_written(provider):
        again = send(house, ask())

    assert (again.status, again.body) == (200, first.body)
    assert again.headers["x-tokenhouse-replayed"] == "true"
    assert again.headers["x-request-id"] == first.headers["x-request-id"]
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["x-tokenhouse-cost-usd"] == exact_usd(
        house.records()[0].cost_nanos
    )
    assert "x-tokenhouse-replayed" not in first.headers


def test_a_stream_is_given_again_as_a_stream(
    house: House, provider: rig.Provider
) -> None:
    options = {"extra_headers": {"Idempotency-Key": "stream-1"}}
    chunks = []
    for _ in range(2):
        stream = house.client().chat.completions.create(**ask_for(9, 0.0), **options)  # type: ignore[call-overload]
        chunks.append([chunk.choices[0].delta.content for chunk in stream])

    assert chunks[0] == chunks[1] == ["word "] * 9 + [None]
    assert len(house.records()) == 1


def test_without_the_header_each_request_is_its_own(house: House) -> None:
    first, second = (call(house.url, house.key, ask()) for _ in range(2))

    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert len(house.records()) == 2
    assert not KeptAnswer.objects.exists()


def test_another_body_under_the_same_key_is_refused(
    house: House, provider: rig.Provider
) -> None:
    send(house, ask())

    with nothing_written(provider):
        other = send(house, ask(temperature=0))

    assert other.summary == (409, "invalid_request_error", "idempotency_key_reused")
    assert other.headers["x-should-retry"] == "false"


def test_another_path_under_the_same_key_is_refused(
    house: House, provider: rig.Provider
) -> None:
    body = {"model": "gpt-4o-mini", "messages": BODY["messages"], "input": "x"}
    send(house, body)

    with nothing_written(provider):
        sent = {"Idempotency-Key": "order-1"}
        other = call(house.url, house.key, body, path="/v1/responses", headers=sent)

    assert other.error["code"] == "idempotency_key_reused"


def test_another_api_key_has_idempotency_keys_of_its_own(house: House) -> None:
    send(house, ask())

    again = call(
        house.url,
        service_key(house.organization),
        ask(),
        headers={"Idempotency-Key": "order-1"},
    )

    assert "x-tokenhouse-replayed" not in again.headers
    assert len(house.records()) == 2


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "tab\tinside", "caf\xe9"])
def test_a_key_that_is_none_is_refused(
    house: House, provider: rig.Provider, key: str
) -> None:
    with nothing_written(provider):
        refused = send(house, ask(), key)

    assert refused.status == 400
    assert "Idempotency-Key" in refused.error["message"]
    assert not KeptAnswer.objects.exists()


def test_a_refusal_is_forgotten(house: House) -> None:
    house.limit("0.000001")
    refused = send(house, ask(max_completion_tokens=50))
    house.limit(None)

    answered = send(house, ask(max_completion_tokens=50))

    assert (refused.status, answered.status) == (429, 200)
    assert len(house.records()) == 1


def test_a_providers_error_is_forgotten(house: House, provider: rig.Provider) -> None:
    before = len(provider.bills())
    statuses = [send(house, ask('{"status": 500}')).status for _ in range(2)]

    assert statuses == [500, 500]
    assert len(provider.bills()) == before + 2
    assert not KeptAnswer.objects.exists()


def test_a_provider_that_is_not_there_is_forgotten(house: House) -> None:
    store_provider_key(
        organization=house.organization,
        base_url=f"http://127.0.0.1:{rig.free_port()}/v1",
        secret="sk-provider-secret",
        acting_user=None,
        now=house.organization.created_at,
    )

    assert send(house, ask()).summary[2] == "upstream_unreachable"
    assert not KeptAnswer.objects.exists()
    assert house.records() == []


def test_an_error_that_was_charged_is_given_again(
    house: House, provider: rig.Provider
) -> None:
    first = send(house, ask('{"drop_answer": true, "output": 900}'))
    with nothing_written(provider):
        again = send(house, ask('{"drop_answer": true, "output": 900}'))

    assert first.summary == (502, "server_error", "upstream_unreachable")
    assert (again.status, again.body) == (502, first.body)
    assert house.records()[0].kind == "estimated"


def test_a_stream_that_broke_is_given_again_with_its_error(
    house: House, provider: rig.Provider
) -> None:
    body = ask('{"output": 9, "drop_after": 4}', stream=True)
    first = send(house, body)
    with nothing_written(provider):
        again = send(house, body)

    assert first.body.count(b"word ") == 4
    assert b"upstream_unreachable" in first.body
    assert again.body == first.body


def test_who_left_a_stream_finds_the_whole_of_it(
    gateway: rig.Process, house: House
) -> None:
    # The database was emptied: until it beats, the gateway passes for dead.
    beats = GatewayProcess.objects.filter(pid=gateway.popen.pid)
    rig.wait_until(beats.exists, what="the gateway does not beat")
    body = ask_for(40, 0.1)
    leave(house, body)

    again = send(house, body)

    assert again.body.count(b"word ") == 40
    assert b"[DONE]" in again.body
    (record,) = house.records()
    assert (record.kind, record.output_tokens) == ("actual", 40)


def leave(house: House, body: dict[str, Any]) -> None:
    """Send a request, read a little of its stream, and hang up."""
    connection = http.client.HTTPConnection(urlsplit(house.url).netloc, timeout=30)
    headers = {"Authorization": f"Bearer {house.key}", "Idempotency-Key": "order-1"}
    connection.request(
        "POST", "/v1/chat/completions", body=orjson.dumps(body), headers=headers
    )
    assert connection.getresponse().read(10)
    connection.close()


def test_an_answer_that_is_too_long_is_not_asked_for_again(
    house: House, provider: rig.Provider
) -> None:
    body = ask('{"output": 2000000}')
    assert len(send(house, body).body) > 8 * 1024 * 1024

    with nothing_written(provider):
        again = send(house, body)

    assert again.summary[2] == "idempotency_answer_too_long"
    assert again.headers["x-should-retry"] == "false"


def test_what_is_kept_cannot_be_read_in_the_database(house: House) -> None:
    send(house, ask())

    kept = KeptAnswer.objects.get()

    assert kept.state == "kept"
    assert b"word" not in bytes(kept.ciphertext)
    assert "order-1" not in f"{kept.key_digest} {kept.fingerprint}"


def test_an_answer_moved_to_another_row_does_not_open(house: House) -> None:
    send(house, ask(), "order-1")
    send(house, ask(temperature=0), "order-2")
    one, other = KeptAnswer.objects.order_by("pk")
    KeptAnswer.objects.filter(pk=other.pk).update(ciphertext=one.ciphertext)

    moved = send(house, ask(temperature=0), "order-2")

    assert moved.summary[2] == "idempotency_answer_lost"


def test_a_day_later_the_key_is_free_again(house: House) -> None:
    send(house, ask())
    KeptAnswer.objects.update(expires_at=house.organization.created_at)

    again = send(house, ask())

    assert "x-tokenhouse-replayed" not in again.headers
    assert len(house.records()) == 2


def test_the_official_client_gets_its_answer_again(house: House) -> None:
    client = house.client()
    key = {"Idempotency-Key": str(uuid.uuid4())}
    answers = [
        client.chat.completions.create(**ask(), extra_headers=key) for _ in range(2)
    ]

    assert answers[0] == answers[1]
    with pytest.raises(openai.ConflictError):
        client.chat.completions.create(**ask("other"), extra_headers=key)


def test_sound_that_broke_off_is_charged_once(
    house: House, provider: rig.Provider
) -> None:
    orders = orjson.dumps({"drop_after": 2}).decode()
    body = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": orders}
    sent = {"Idempotency-Key": "speech-1"}
    path = "/v1/audio/speech"
    with pytest.raises(http.client.IncompleteRead):
        call(house.url, house.key, body, path=path, headers=sent)
    rig.wait_until(lambda: not house.holds())

    with nothing_written(provider):
        again = call(house.url, house.key, body, path=path, headers=sent)

    assert again.error["code"] == "idempotency_answer_lost"


def test_an_error_that_reports_usage_is_charged_once(
    house: House, provider: rig.Provider
) -> None:
    body = ask('{"fault": "fails_with_usage", "output": 900}')
    first = send(house, body)
    with nothing_written(provider):
        again = send(house, body)

    assert house.records()[0].cost_nanos > 0
    assert (again.status, again.body) == (first.status, first.body)
    assert first.status >= 400


def test_a_price_that_comes_between_makes_no_other_request(
    house: House, provider: rig.Provider
) -> None:
    with prices_not_kept():
        Price.objects.filter(model="gpt-4o-mini", service_tier="priority").delete()
    rig.wait_until(lambda: asked_tier(house, provider) is None)
    first = send(house, ask())
    Price.objects.create(
        model="gpt-4o-mini",
        service_tier="priority",
        effective_from=house.organization.created_at,
        input_nanos=9,
        output_nanos=9,
        source="operator",
    )
    rig.wait_until(lambda: asked_tier(house, provider) == "default")

    with nothing_written(provider):
        again = send(house, ask())

    assert (again.status, again.body) == (200, first.body)


def asked_tier(house: House, provider: rig.Provider) -> Any:
    call(house.url, house.key, ask())
    return provider.bills()[-1]["service_tier"]


def test_limits_of_then_are_not_told_again(house: House) -> None:
    RateLimit.objects.create(
        organization=house.organization,
        requests_per_minute=600,
        updated_at=house.organization.created_at,
    )
    rig.wait_until(lambda: limits_told(call(house.url, house.key, ask())))

    first, again = send(house, ask()), send(house, ask())

    assert limits_told(first)
    assert again.headers["x-tokenhouse-replayed"] == "true"
    assert not limits_told(again)


def limits_told(answer: Answer) -> bool:
    return any(name.startswith("x-ratelimit-") for name in answer.headers)
