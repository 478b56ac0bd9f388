"""A rotated key: two texts for a while, one key always."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from billing.actions.scope_limits import set_key_limit
from keys.actions import end_former_key, revoke_key, rotate_key
from keys.models import ApiKey, FormerKey
from tests import rig
from tests.factories import usd
from tests.gateway.conftest import House
from tests.gateway.raw import call, nothing_written

pytestmark = pytest.mark.processes

INVALID = (401, "invalid_request_error", "invalid_api_key")
HOUR = timedelta(hours=1)


def rotate(house: House, grace: timedelta) -> str:
    issued = rotate_key(
        key=ApiKey.objects.get(), grace=grace, acting_user=None, now=timezone.now()
    )
    return issued.text


def is_refused(house: House, text: str) -> bool:
    return call(house.url, text).status == 401


def test_within_the_grace_both_texts_work(house: House) -> None:
    assert call(house.url, house.key).status == 200

    new = rotate(house, HOUR)

    assert call(house.url, new).status == 200
    assert call(house.url, house.key).status == 200
    assert {record.api_key_id for record in house.records()} == {
        ApiKey.objects.get().pk
    }


def test_without_grace_the_old_text_ends_within_a_second(
    house: House, provider: rig.Provider
) -> None:
    assert call(house.url, house.key).status == 200

    new = rotate(house, timedelta(0))
    time.sleep(1)

    with nothing_written(provider):
        assert call(house.url, house.key).summary == INVALID
    assert call(house.url, new).status == 200


def test_the_old_text_ends_with_its_grace_though_the_gateway_knows_it(
    house: House,
) -> None:
    rotate(house, timedelta(seconds=2))
    assert call(house.url, house.key).status == 200

    rig.wait_until(lambda: is_refused(house, house.key))


@pytest.mark.parametrize("is_old", [True, False])
def test_old_and_new_text_share_one_limit(
    house: House, provider: rig.Provider, is_old: bool
) -> None:
    key = ApiKey.objects.get()
    assert call(house.url, house.key).status == 200
    new = rotate(house, HOUR)
    set_key_limit(
        organization=house.organization,
        api_key=key,
        amount_nanos=1,
        acting_user=None,
        now=timezone.now(),
    )

    with nothing_written(provider):
        answer = call(house.url, house.key if is_old else new)

    assert answer.error["code"] == "key_spend_limit_exceeded"
    assert usd("0") < house.budget().spent_nanos


def test_the_old_text_can_be_ended_earlier(house: House) -> None:
    new = rotate(house, HOUR)
    assert call(house.url, house.key).status == 200

    former = FormerKey.objects.get()
    end_former_key(former=former, acting_user=None, now=timezone.now())

    rig.wait_until(lambda: is_refused(house, house.key), deadline_s=1)
    assert call(house.url, new).status == 200


def test_a_revoked_key_ends_with_all_its_texts(house: House) -> None:
    texts = [house.key, rotate(house, HOUR), rotate(house, HOUR)]
    assert [call(house.url, text).status for text in texts] == [200] * 3

    revoke_key(key=ApiKey.objects.get(), acting_user=None, now=timezone.now())

    rig.wait_until(lambda: all(is_refused(house, text) for text in texts), deadline_s=1)


def test_the_use_of_the_old_text_is_counted(house: House) -> None:
    with connection.cursor() as cursor:
        # The gateway may still count for a row of an earlier test.
        cursor.execute("ALTER SEQUENCE keys_formerkey_id_seq RESTART WITH 1000")
    new = rotate(house, HOUR)
    for text in (house.key, new, house.key):
        assert call(house.url, text).status == 200

    rig.wait_until(lambda: FormerKey.objects.get().requests == 2)

    last_used_at = FormerKey.objects.get().last_used_at
    assert last_used_at is not None
    assert timezone.now() - last_used_at < timedelta(minutes=1)
