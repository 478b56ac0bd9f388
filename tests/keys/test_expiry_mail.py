"""People hear in time that a key ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keys.actions import revoke_key, warn_of_expiry
from keys.models import ApiKey, ExpiryNotice
from orgs.models import (
    Membership,
    Organization,
    OutboxMail,
    Role,
    User,
)
from tests.factories import NOW, join, refuse_mail
from tests.keys.test_page import issue

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
END = NOW + 90 * DAY


def ending_key(
    organization: Organization | None = None, user: User | None = None
) -> ApiKey:
    key = issue(organization, user).key
    ApiKey.objects.filter(pk=key.pk).update(expires_at=END)
    key.refresh_from_db()
    return key


def told_at(days_before: float) -> int:
    """Return how many mails came about by what is done so many days before the end."""
    before = OutboxMail.objects.count()
    warn_of_expiry(now=END - timedelta(days=days_before))
    return OutboxMail.objects.count() - before


def test_a_mail_comes_14_and_3_days_ahead_and_on_the_day(
    acme: Organization, ada: User
) -> None:
    ending_key(acme)
    days = (20, 14.1, 14, 13, 3.1, 3, 2, 0.1, 0, -1)
    assert [told_at(day) for day in days] == [0, 0, 1, 0, 0, 1, 0, 0, 1, 0]


def test_owners_hear_of_service_keys_and_people_of_their_own(
    acme: Organization, ada: User, rita: User
) -> None:
    for key, recipient in ((ending_key(acme), ada), (ending_key(user=rita), rita)):
        warn_of_expiry(now=END - 14 * DAY)
        found = OutboxMail.objects.get(dedupe_key__contains=key.public_id)
        assert found.recipient == recipient.email
        assert key.masked in found.body_text
        assert "/o/acme/keys" in found.body_text


def test_who_wants_no_such_mails_gets_none(acme: Organization, rita: User) -> None:
    refuse_mail(rita, acme, "key_expiry")
    ending_key(user=rita)
    assert told_at(14) == 0


def test_an_owner_who_wants_none_leaves_them_to_the_others(
    acme: Organization, ada: User, oscar: User
) -> None:
    join(oscar, acme, Role.OWNER)
    refuse_mail(ada, acme, "key_expiry")
    ending_key(acme)
    assert told_at(14) == 1
    assert OutboxMail.objects.get().recipient == oscar.email


def test_after_a_pause_only_the_nearest_mail_is_sent(acme: Organization) -> None:
    ending_key(acme)
    assert told_at(1) == 1
    assert ExpiryNotice.objects.get().days_ahead == 3


def test_a_key_that_ended_long_ago_is_no_news(acme: Organization) -> None:
    ending_key(acme)
    assert told_at(-4) == 0


def test_a_key_made_for_less_is_not_told_of_at_once(acme: Organization) -> None:
    key = ending_key(acme)
    ApiKey.objects.filter(pk=key.pk).update(created_at=END - 7 * DAY)
    assert [told_at(6), told_at(3)] == [0, 1]


def test_a_revoked_key_is_not_told_of(acme: Organization) -> None:
    revoke_key(key=ending_key(acme), acting_user=None, now=NOW)
    assert told_at(3) == 0


def test_a_key_without_an_end_is_not_told_of(acme: Organization) -> None:
    issue(acme)
    assert told_at(3) == 0


def test_who_is_in_no_organization_any_more_is_not_told(
    acme: Organization, rita: User
) -> None:
    ending_key(user=rita)
    Membership.objects.filter(user=rita).delete()
    assert told_at(3) == 0
