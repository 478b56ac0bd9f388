"""A refusal by the limit of a key or member names it, with its own amounts."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from django.utils import timezone

from billing.actions.scope_limits import (
    set_default_limit,
    set_key_limit,
    set_member_limit,
)
from billing.scope_models import Scope
from keys.models import ApiKey
from orgs.models import User
from tests import rig
from tests.gateway.conftest import House, personal_key
from tests.gateway.raw import BODY, call, nothing_written

pytestmark = pytest.mark.processes
SMALL = {**BODY, "max_completion_tokens": 10}


def test_a_keys_limit_refuses_by_what_the_key_spent_itself(
    house: House, provider: rig.Provider, rita: User
) -> None:
    call(house.url, personal_key(rita, "production"), SMALL)
    call(house.url, house.key, SMALL)
    spent = house.records()[1].cost_nanos
    house.limit("5")
    set_key_limit(
        organization=house.organization,
        api_key=ApiKey.objects.get(organization=house.organization),
        amount_nanos=spent,
        acting_user=None,
        now=timezone.now(),
    )

    with nothing_written(provider):
        answer = call(house.url, house.key, SMALL)

    error = answer.error
    assert answer.status == 429
    assert error["code"] == "key_spend_limit_exceeded"
    assert "The limit of the key tests in Acme" in error["message"]
    assert error["limit_usd"] == error["spent_usd"] == spent / 1e9
    assert answer.headers["x-should-retry"] == "false"


def test_a_members_limit_refuses_all_of_their_keys(
    house: House, provider: rig.Provider, rita: User
) -> None:
    keys = [personal_key(rita, "production") for _ in range(2)]
    set_member_limit(
        organization=house.organization,
        user=rita,
        amount_nanos=1,
        acting_user=None,
        now=timezone.now(),
    )

    with nothing_written(provider):
        for key in keys:
            error = call(house.url, key, SMALL).error
            assert error["code"] == "member_spend_limit_exceeded"
            assert "The limit of Rita Vale in Acme" in error["message"]
    assert call(house.url, house.key, SMALL).status == 200


def test_the_sdk_does_not_try_a_key_at_its_limit_again(
    house: House, provider: rig.Provider
) -> None:
    set_key_limit(
        organization=house.organization,
        api_key=ApiKey.objects.get(organization=house.organization),
        amount_nanos=0,
        acting_user=None,
        now=timezone.now(),
    )
    client = house.client(max_retries=2)

    with nothing_written(provider), pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(**SMALL)

    assert caught.value.code == "key_spend_limit_exceeded"


def test_a_default_refuses_the_sdk_until_the_key_has_a_limit_of_its_own(
    house: House, provider: rig.Provider
) -> None:
    whose: dict[str, Any] = {"organization": house.organization, "acting_user": None}
    set_default_limit(scope=Scope.KEY, amount_nanos=0, now=timezone.now(), **whose)
    client = house.client(max_retries=0)

    with nothing_written(provider), pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(**SMALL)
    assert caught.value.code == "key_spend_limit_exceeded"
    assert "The limit of the key tests in Acme" in str(caught.value)

    key = ApiKey.objects.get(organization=house.organization)
    set_key_limit(api_key=key, amount_nanos=10**9, now=timezone.now(), **whose)
    assert client.chat.completions.create(**SMALL).choices
