"""Who may call: keys that are missing, wrong, ended, or not for model requests."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from billing.actions.organizations import delete_organization
from billing.models import BillingProfile, Hold
from keys.actions import issue_key, revoke_key
from keys.models import ApiKey
from orgs.models import Organization, User
from tests import rig
from tests.factories import reactivate, suspend
from tests.gateway.conftest import House, personal_key
from tests.gateway.raw import BODY, Answer, call, nothing_written

pytestmark = pytest.mark.processes

INVALID = (401, "invalid_request_error", "invalid_api_key")


def refused(house: House, provider: rig.Provider, key: str | None) -> Answer:
    """Send a request that must leave no trace."""
    with nothing_written(provider):
        return call(house.url, key)


def with_wrong_end(key: str) -> str:
    return key[:-1] + ("0" if key[-1] != "0" else "1")


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer  ", "Basic eDp5"]
)
def test_a_request_without_a_key_is_told_how_to_give_one(
    house: House, provider: rig.Provider, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    with nothing_written(provider):
        answer = call(house.url, None, headers=headers)

    assert answer.summary == (401, "invalid_request_error", None)
    assert "Authorization header" in answer.error["message"]


def test_a_word_that_is_no_key_is_echoed_masked(
    house: House, provider: rig.Provider
) -> None:
    answer = refused(house, provider, "sk-some-key-of-another-house")

    assert answer.summary == INVALID
    assert "sk-some-***ouse" in answer.error["message"]
    assert "another" not in answer.error["message"]


def test_a_key_with_a_typing_error_is_refused(
    house: House, provider: rig.Provider
) -> None:
    answer = refused(house, provider, with_wrong_end(house.key))

    assert answer.summary == INVALID
    assert house.key[8:-4] not in answer.error["message"]


def test_a_well_formed_key_that_nobody_issued_is_refused(
    house: House, provider: rig.Provider
) -> None:
    ApiKey.objects.all().delete()

    assert refused(house, provider, house.key).summary == INVALID


def test_a_gateway_that_knows_a_key_drops_it_within_a_second_of_its_end(
    house: House, provider: rig.Provider
) -> None:
    assert call(house.url, house.key).status == 200

    revoke_key(key=ApiKey.objects.get(), acting_user=None, now=timezone.now())
    time.sleep(1)

    answer = refused(house, provider, house.key)
    assert answer.summary == INVALID
    assert f"{house.key[:8]}***{house.key[-4:]}" in answer.error["message"]
    assert house.key not in answer.body.decode()


def test_a_key_ends_at_its_expiry_though_the_gateway_knows_it(
    house: House, provider: rig.Provider
) -> None:
    key = expiring_key(house.organization, seconds=2)
    assert call(house.url, key).status == 200

    time.sleep(2)

    assert refused(house, provider, key).summary == INVALID


def expiring_key(organization: Organization, *, seconds: int) -> str:
    issued = issue_key(
        kind="service",
        environment=organization.environment,
        name="brief",
        organization=organization,
        user=None,
        acting_user=None,
        expires_at=timezone.now() + timedelta(seconds=seconds),
        now=timezone.now(),
    )
    return issued.text


def test_the_key_of_a_person_who_was_disabled_is_refused(
    house: House, provider: rig.Provider, ada: User
) -> None:
    key = personal_key(ada, "production")
    assert call(house.url, key).status == 200

    ada.is_active = False
    ada.save(update_fields=["is_active"])
    time.sleep(1)

    assert refused(house, provider, key).summary == INVALID


def test_an_admin_key_makes_no_model_requests(
    house: House, provider: rig.Provider
) -> None:
    issued = issue_key(
        kind="admin",
        environment="production",
        name="admin",
        organization=house.organization,
        user=None,
        acting_user=None,
        expires_at=None,
        now=timezone.now(),
    )

    answer = refused(house, provider, issued.text)

    assert answer.summary == INVALID
    assert "admin key" in answer.error["message"]


def test_a_suspended_organization_is_refused_at_once_and_comes_back(
    house: House, provider: rig.Provider
) -> None:
    assert call(house.url, house.key).status == 200

    suspend(house.organization)
    time.sleep(1)
    answer = refused(house, provider, house.key)
    assert answer.summary == (403, "invalid_request_error", "organization_suspended")

    reactivate(house.organization)
    time.sleep(1)
    assert call(house.url, house.key).status == 200


def test_keys_of_a_deleted_organization_stop_within_a_second(
    house: House, provider: rig.Provider
) -> None:
    assert call(house.url, house.key).status == 200
    wait_until_settled(house)
    # Nothing is owed by who is not billed.
    BillingProfile.objects.filter(organization=house.organization).delete()

    delete_organization(
        organization=house.organization, acting_user=None, now=timezone.now()
    )
    time.sleep(1)
    assert refused(house, provider, house.key).summary == INVALID


def wait_until_settled(house: House) -> None:
    deadline = time.monotonic() + 20
    while Hold.objects.filter(organization=house.organization).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_scheme_is_read_in_any_case(house: House) -> None:
    headers = {"Authorization": f"bearer {house.key}"}

    assert call(house.url, None, BODY, headers=headers).status == 200
