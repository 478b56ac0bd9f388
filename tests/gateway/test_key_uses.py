"""From where a key was last used: written soon, for what was answered, once."""

from __future__ import annotations

import pytest
from django.utils import timezone

from keys.models import KeyUse
from tests import rig
from tests.gateway.conftest import House
from tests.gateway.raw import BODY, call
from usage.actions import roll_up

pytestmark = pytest.mark.processes

FORWARDED = {"X-Forwarded-For": "203.0.113.7"}


def use_noted(house: House) -> KeyUse:
    """Wait until the gateway wrote where the house's one request came from."""
    (record,) = house.records()
    uses = KeyUse.objects.filter(last_used_at=record.occurred_at).exclude(network="")
    rig.wait_until(uses.exists)
    return uses.get()


def test_time_model_and_network_are_written(house: House) -> None:
    assert call(house.url, house.key).status == 200

    use = use_noted(house)

    assert use.organization == house.organization
    assert (use.network, use.model) == ("127.0.0.0/24", BODY["model"])


def test_the_roll_up_changes_nothing_of_it(house: House) -> None:
    assert call(house.url, house.key).status == 200
    use_noted(house)

    roll_up(now=timezone.now())

    assert use_noted(house).network == "127.0.0.0/24"
    assert KeyUse.objects.count() == 1


def test_the_roll_up_may_have_come_first(house: House) -> None:
    assert call(house.url, house.key).status == 200
    roll_up(now=timezone.now())

    assert use_noted(house).network == "127.0.0.0/24"
    assert KeyUse.objects.count() == 1


def test_what_a_client_says_of_itself_does_not_count(house: House) -> None:
    assert call(house.url, house.key, headers=FORWARDED).status == 200

    assert use_noted(house).network == "127.0.0.0/24"


def test_a_refused_request_is_no_use(house: House) -> None:
    assert call(house.url, house.key).status == 200
    house.limit("0")
    assert call(house.url, house.key).status == 429

    assert use_noted(house).network == "127.0.0.0/24"
    assert KeyUse.objects.count() == 1
