"""Keys on their page: rotated, blocked, limited to models, unused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest
from django.test import Client
from django.utils import timezone

from keys.actions import (
    CannotRotate,
    FormerKeyEnded,
    NotBlockable,
    block_key,
    end_former_key,
    rotate_key,
)
from keys.models import ApiKey, FormerKey, KeyBlock, KeyUse
from keys.verification import identify
from orgs.models import AuditEvent, Organization, User
from tests.factories import NOW, join
from tests.keys.test_page import FORM, issue, revealed_in
from tests.visits import browser_of

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def send(browser: Client, key: ApiKey, what: str, **form: str) -> int:
    answer = browser.post(f"/o/acme/keys/{key.public_id}/{what}", form)
    return answer.status_code


def test_a_key_is_made_for_some_models(acme: Organization, ada: User) -> None:
    form = {**FORM, "models_allowed": "gpt-4o-mini, o3*  gpt-4o-mini"}
    page = browser_of(ada).post("/o/acme/keys/create", form).content.decode()

    assert ApiKey.objects.get().models_allowed == ["gpt-4o-mini", "o3*"]
    assert "baseURL: &quot;" in page
    event = AuditEvent.objects.get(action="api_key.created")
    assert event.details["after"]["models_allowed"] == ["gpt-4o-mini", "o3*"]


def test_a_key_ends_with_the_day_that_was_chosen(acme: Organization, ada: User) -> None:
    day = timezone.now().date() + 5 * DAY
    form = {**FORM, "expires_in": "date", "expires_on": day.isoformat()}
    browser_of(ada).post("/o/acme/keys/create", form)

    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + DAY
    assert ApiKey.objects.get().expires_at == end


def test_a_rotated_key_shows_its_new_text_once(acme: Organization, ada: User) -> None:
    key = issue(acme).key
    browser = browser_of(ada)
    answer = browser.post(f"/o/acme/keys/{key.public_id}/rotate", {"grace": "24"})
    text = revealed_in(answer.content.decode())

    assert answer.status_code == HTTPStatus.CREATED
    assert "no-store" in answer["Cache-Control"]
    page = browser.get("/o/acme/keys").content.decode()
    assert text not in page
    assert f"Old text …{key.last_four}" in page
    assert text not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize("hours", [0, 1, 24, 168])
def test_the_old_text_lives_as_long_as_was_said(acme: Organization, hours: int) -> None:
    key, old_digest = issue(acme).key, ApiKey.objects.get().digest
    grace = timedelta(hours=hours)
    rotate_key(key=key, grace=grace, acting_user=None, now=NOW)

    found = identify(old_digest)
    assert found is not None
    assert found.api_key == key
    assert not found.is_live(at=NOW + grace)
    if hours:
        assert found.is_live(at=NOW + grace - timedelta(seconds=1))


def test_rotation_gives_as_long_a_life_as_before(acme: Organization) -> None:
    key = issue(acme).key
    ApiKey.objects.update(expires_at=NOW + 90 * DAY)
    later = NOW + 80 * DAY
    rotate_key(key=key, grace=7 * DAY, acting_user=None, now=later)

    assert ApiKey.objects.get().expires_at == later + 90 * DAY
    rotate_key(key=key, grace=7 * DAY, acting_user=None, now=later + DAY)
    assert ApiKey.objects.get().expires_at == later + 91 * DAY


def test_the_old_text_ends_no_later_than_it_would_have(acme: Organization) -> None:
    key = issue(acme).key
    ApiKey.objects.update(expires_at=NOW + DAY)
    rotate_key(key=key, grace=7 * DAY, acting_user=None, now=NOW)

    assert FormerKey.objects.get().ends_at == NOW + DAY


@pytest.mark.parametrize("change", ["revoked_at", "expires_at"])
def test_a_key_that_is_over_is_not_rotated(acme: Organization, change: str) -> None:
    key = issue(acme).key
    ApiKey.objects.update(**{change: NOW})
    with pytest.raises(CannotRotate):
        rotate_key(key=key, grace=DAY, acting_user=None, now=NOW)
    assert ApiKey.objects.get().digest == key.digest
    assert not FormerKey.objects.exists()


def test_there_are_only_so_many_texts_of_a_key(acme: Organization) -> None:
    key = issue(acme).key
    for _ in range(3):
        rotate_key(key=key, grace=DAY, acting_user=None, now=NOW)
    with pytest.raises(CannotRotate):
        rotate_key(key=key, grace=DAY, acting_user=None, now=NOW)
    assert FormerKey.objects.count() == 3
    rotate_key(key=key, grace=DAY, acting_user=None, now=NOW + DAY)


def test_the_old_text_is_ended_once(acme: Organization, ada: User) -> None:
    key = issue(acme).key
    rotate_key(key=key, grace=7 * DAY, acting_user=ada, now=timezone.now())
    former = FormerKey.objects.get()
    browser = browser_of(ada)

    # Of two at once, the later clock may come first.
    a_little_before = timezone.now() - timedelta(seconds=1)
    assert send(browser, key, f"former/{former.handle}/end") == HTTPStatus.FOUND
    with pytest.raises(FormerKeyEnded):
        end_former_key(former=former, acting_user=ada, now=a_little_before)
    assert AuditEvent.objects.filter(action="api_key.former_ended").count() == 1


@pytest.mark.parametrize("what", ["rotate", "revoke"])
def test_an_owner_does_not_change_a_members_personal_key(
    acme: Organization, ada: User, rita: User, what: str
) -> None:
    key = issue(user=rita).key

    assert send(browser_of(ada), key, what, grace="0") == HTTPStatus.FORBIDDEN
    fresh = ApiKey.objects.get()
    assert (fresh.digest, fresh.revoked_at) == (key.digest, None)


@pytest.mark.parametrize("what", ["rotate", "revoke"])
def test_a_reader_changes_no_service_key(
    acme: Organization, rita: User, what: str
) -> None:
    key = issue(acme).key

    assert send(browser_of(rita), key, what, grace="0") == HTTPStatus.NOT_FOUND
    fresh = ApiKey.objects.get()
    assert (fresh.digest, fresh.revoked_at) == (key.digest, None)


def test_a_reader_rotates_and_revokes_their_own(acme: Organization, rita: User) -> None:
    key, browser = issue(user=rita).key, browser_of(rita)

    assert send(browser, key, "rotate", grace="1") == HTTPStatus.CREATED
    assert send(browser, key, "revoke") == HTTPStatus.FOUND
    assert ApiKey.objects.get().revoked_at is not None


@pytest.mark.parametrize("grace", ["", "2", "-1", "1000"])
def test_another_grace_rotates_nothing(
    acme: Organization, ada: User, grace: str
) -> None:
    key = issue(acme).key
    send(browser_of(ada), key, "rotate", grace=grace)
    assert ApiKey.objects.get().digest == key.digest


def test_a_personal_key_is_blocked_in_one_organization(
    acme: Organization, ada: User, rita: User, globex: Organization
) -> None:
    join(rita, globex)
    key, browser = issue(user=rita).key, browser_of(ada)

    assert send(browser, key, "block") == HTTPStatus.FOUND
    identity = identify(key.digest)
    assert identity is not None
    assert set(identity.organizations.values()) == {globex}
    assert AuditEvent.objects.get(action="api_key.blocked").organization == acme
    assert "Blocked here" in browser.get("/o/acme/keys").content.decode()


def test_a_block_is_taken_back(acme: Organization, ada: User, rita: User) -> None:
    key, browser = issue(user=rita).key, browser_of(ada)
    for what in ("block", "block", "allow", "allow"):
        send(browser, key, what)

    assert not KeyBlock.objects.exists()
    actions = AuditEvent.objects.filter(target=key.public_id).order_by("pk")
    assert [event.action for event in actions][-2:] == [
        "api_key.blocked",
        "api_key.allowed",
    ]
    assert actions.count() == 3


@pytest.mark.parametrize("whose", ["service", "stranger"])
def test_only_members_personal_keys_are_blocked(
    acme: Organization, oscar: User, whose: str
) -> None:
    key = issue(acme).key if whose == "service" else issue(user=oscar).key
    with pytest.raises(NotBlockable):
        block_key(key=key, organization=acme, acting_user=None, now=NOW)
    assert not KeyBlock.objects.exists()


def test_a_reader_blocks_nothing(acme: Organization, rita: User, ada: User) -> None:
    key = issue(user=ada).key
    assert send(browser_of(rita), key, "block") == HTTPStatus.FORBIDDEN
    assert not KeyBlock.objects.exists()


def test_unused_keys_are_listed(acme: Organization, ada: User) -> None:
    now = timezone.now()
    ages = {"fresh": timedelta(hours=1), "stale": 61 * DAY, "never": None}
    for name, age in ages.items():
        key = issue(acme).key
        ApiKey.objects.filter(pk=key.pk).update(name=f"{name} one")
        if age is not None:
            KeyUse.objects.create(
                organization=acme, api_key=key, last_used_at=now - age, model="gpt-5"
            )
    page = browser_of(ada).get("/o/acme/keys?show=unused").content.decode()
    shown = set(re.findall(r'<th scope="row">(\w+) one', page))
    assert shown == {"stale", "never"}


def test_the_use_of_a_key_elsewhere_is_not_shown(
    acme: Organization, ada: User, rita: User, globex: Organization
) -> None:
    key = issue(user=rita).key
    KeyUse.objects.create(
        organization=globex, api_key=key, last_used_at=NOW, model="of-globex"
    )
    assert "of-globex" not in browser_of(ada).get("/o/acme/keys").content.decode()


def test_the_page_says_from_which_network_a_key_was_used(
    acme: Organization, ada: User
) -> None:
    KeyUse.objects.create(
        organization=acme,
        api_key=issue(acme).key,
        last_used_at=NOW,
        model="gpt-5",
        network="203.0.113.0/24",
    )
    assert "203.0.113.0/24" in browser_of(ada).get("/o/acme/keys").content.decode()
