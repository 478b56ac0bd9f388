"""A personal key that an organization's owners blocked there."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from django.utils import timezone

from keys.actions import allow_key, block_key
from keys.models import ApiKey
from orgs.models import Organization, User
from tests import factories, rig
from tests.gateway.conftest import House, personal_key
from tests.gateway.raw import Answer, call, nothing_written

pytestmark = pytest.mark.processes

MISMATCHED = (401, "invalid_request_error", "mismatched_organization")


def ask(house: House, key: str, organization: Organization) -> Answer:
    headers = {"OpenAI-Organization": organization.public_id}
    return call(house.url, key, headers=headers)


def block(key: ApiKey, organization: Organization) -> None:
    now = timezone.now()
    assert block_key(key=key, organization=organization, acting_user=None, now=now)


def test_a_blocked_key_ends_in_that_organization_alone(
    house: House,
    provider: rig.Provider,
    globex: Organization,
    furnish: Callable[[Organization], House],
    rita: User,
) -> None:
    furnish(globex)
    factories.join(rita, globex)
    text = personal_key(rita, "production")
    assert ask(house, text, house.organization).status == 200

    block(ApiKey.objects.get(user=rita), house.organization)
    time.sleep(1)

    with nothing_written(provider):
        assert ask(house, text, house.organization).summary == MISMATCHED
    assert ask(house, text, globex).status == 200


def test_without_a_header_a_blocked_key_goes_nowhere_else(
    house: House, provider: rig.Provider, rita: User
) -> None:
    text = personal_key(rita, "production")
    block(ApiKey.objects.get(user=rita), house.organization)

    with nothing_written(provider):
        assert call(house.url, text).summary == MISMATCHED


def test_other_keys_of_the_person_go_on(house: House, rita: User) -> None:
    blocked = personal_key(rita, "production")
    block(ApiKey.objects.get(user=rita), house.organization)

    assert call(house.url, personal_key(rita, "production")).status == 200
    assert call(house.url, blocked).status == 401


def test_a_key_that_is_allowed_again_works(house: House, rita: User) -> None:
    text = personal_key(rita, "production")
    key, acme = ApiKey.objects.get(user=rita), house.organization
    block(key, acme)
    assert call(house.url, text).status == 401

    allow_key(key=key, organization=acme, acting_user=None, now=timezone.now())

    rig.wait_until(lambda: call(house.url, text).status == 200, deadline_s=1)
