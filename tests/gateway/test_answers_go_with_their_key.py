"""An answer of before is given to whom a new one would be given, and nobody else."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from django.utils import timezone

from billing.actions.gateway_settings import GatewayWish, set_gateway_settings
from keys.actions import revoke_key
from keys.models import ApiKey
from tests import rig
from tests.factories import suspend
from tests.gateway.conftest import House
from tests.gateway.raw import Answer, call, nothing_written

pytestmark = pytest.mark.processes
ONCE = {"Idempotency-Key": "once"}


def send(house: House, content: Any = "Hi", **headers: str) -> Answer:
    messages = [{"role": "user", "content": content}]
    body = {"model": "gpt-4o-mini", "messages": messages, "temperature": 0}
    return call(house.url, house.key, body, headers=headers)


@pytest.fixture
def answered(house: House) -> House:
    """Acme, with an answer in the cache and one under an idempotency key."""
    set_gateway_settings(
        organization=house.organization,
        wish=GatewayWish(clamps_output=False, caches_answers=True, cache_s=300),
        acting_user=None,
        now=timezone.now(),
    )
    rig.wait_until(lambda: send(house).headers.get("x-tokenhouse-cache") == "hit")
    assert send(house, "once", **ONCE).status == 200
    assert send(house, "once", **ONCE).headers["x-tokenhouse-replayed"] == "true"
    return house


def nothing_is_given(house: House, status: int, provider: rig.Provider) -> None:
    rig.wait_until(lambda: send(house).status == status)
    with nothing_written(provider):
        again = send(house, "once", **ONCE)

    assert again.status == status
    assert "x-tokenhouse-replayed" not in again.headers


def test_a_revoked_key_gets_no_answer_of_before(
    answered: House, provider: rig.Provider
) -> None:
    revoke_key(key=ApiKey.objects.get(), acting_user=None, now=timezone.now())

    nothing_is_given(answered, 401, provider)


def test_a_suspended_organization_gets_no_answer_of_before(
    answered: House, provider: rig.Provider
) -> None:
    suspend(answered.organization)

    nothing_is_given(answered, 403, provider)


@pytest.mark.parametrize("depth", range(247, 252))
def test_what_is_nested_as_deep_as_can_be_is_no_fault_of_ours(
    answered: House, depth: int
) -> None:
    part = b'{"type":"text","text":"a","x":' + b"[" * depth + b"]" * depth + b"}"
    raw = orjson.dumps({"model": "gpt-4o-mini", "temperature": 0, "messages": 0})
    messages = b'[{"role":"user","content":[' + part + b"]}]"

    answer = call(
        answered.url,
        answered.key,
        raw.replace(b'"messages":0', b'"messages":' + messages),
    )

    assert answer.status in (200, 400)
