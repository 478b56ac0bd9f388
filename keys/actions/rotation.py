"""A key gets a new text; the old one goes on for a while."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from keys.actions.issuing import IssuedKey
from keys.models import ApiKey, FormerKey
from keys.secrets import digest_key, make_key
from orgs import audit
from orgs.models import User

GRACE_MAX = timedelta(days=7)
# Texts of one key that work at once, besides the newest.
FORMER_KEYS_MAX = 3


ROTATED_BEFORE = (
    "The key was rotated since you opened the page. Its new text was in that answer; "
    "if you did not see it, rotate the key once more."
)


class CannotRotate(Exception):
    """The key is over, or too many former texts of it still work. Says which."""


class FormerKeyEnded(Exception):
    """The former text ended before."""


@transaction.atomic
def rotate_key(
    *,
    key: ApiKey,
    grace: timedelta,
    acting_user: User | None,
    now: datetime,
    handle: str = "",
) -> IssuedKey:
    """
    Give a key a new text; the old one works until the grace is over, or never again.

    It stays the same key: name, models, limits, rate limits and what was spent. So
    old and new text together spend no more than the key may. A key that ends gets
    as long a life as it had, from now on.

    With the `handle` of the text that is to be replaced, a rotation that is asked for
    twice happens once.

    :raises CannotRotate: if it is over, has too many former texts that work, or has
        another text than that by now.
    """
    assert timedelta(0) <= grace <= GRACE_MAX
    key = ApiKey.objects.select_for_update(of=("self",)).get(pk=key.pk)
    if not key.is_live(at=now):
        raise CannotRotate("The key is revoked or expired: create another.")
    if handle and handle != key.handle:
        raise CannotRotate(ROTATED_BEFORE)
    working = key.former_keys.filter(ends_at__gt=now).count()
    if grace and working >= FORMER_KEYS_MAX:
        raise CannotRotate("Too many former texts of this key work: end one first.")
    former = keep_former(key, ends_at=former_end(key, grace, now), now=now)
    made = make_key(kind=key.kind, environment=key.environment)
    key.handle, key.last_four = made.handle, made.last_four
    key.digest = digest_key(made.text, pepper=settings.KEY_PEPPER)
    if key.expires_at is not None:
        key.expires_at = now + (key.expires_at - (key.rotated_at or key.created_at))
    key.rotated_at = now
    key.save(
        update_fields=["handle", "last_four", "digest", "expires_at", "rotated_at"]
    )
    record_rotation(key, former, acting_user=acting_user, now=now)
    return IssuedKey(made.text, key)


def former_end(key: ApiKey, grace: timedelta, now: datetime) -> datetime:
    """Return when the old text ends: no later than it would have ended anyway."""
    return now + grace if key.expires_at is None else min(now + grace, key.expires_at)


def keep_former(key: ApiKey, *, ends_at: datetime, now: datetime) -> FormerKey:
    return FormerKey.objects.create(
        api_key=key,
        handle=key.handle,
        digest=key.digest,
        last_four=key.last_four,
        replaced_at=now,
        ends_at=ends_at,
    )


@transaction.atomic
def end_former_key(
    *, former: FormerKey, acting_user: User | None, now: datetime
) -> None:
    """
    End a former text before its grace is over; gateways know within a second.

    :raises FormerKeyEnded: if it was over before; nothing changes then.
    """
    # As it was read: of two at once, the later clock may come first.
    live = FormerKey.objects.filter(pk=former.pk, ends_at=former.ends_at)
    if not live.filter(ends_at__gt=now).update(ends_at=now):
        raise FormerKeyEnded
    before, former.ends_at = former.ends_at, now
    audit.record(
        organization=former.api_key.organization,
        actor=acting_user,
        action="api_key.former_ended",
        target=former.api_key.public_id,
        details={
            "before": {"ends_at": before.isoformat()},
            "after": {"ends_at": now.isoformat()},
            "last_four": former.last_four,
        },
        now=now,
    )


def record_rotation(
    key: ApiKey, former: FormerKey, *, acting_user: User | None, now: datetime
) -> None:
    audit.record(
        organization=key.organization,
        actor=acting_user,
        action="api_key.rotated",
        target=key.public_id,
        details={
            "before": {
                "last_four": former.last_four,
                "works_until": former.ends_at.isoformat(),
            },
            "after": {
                "masked": key.masked,
                "expires_at": key.expires_at.isoformat() if key.expires_at else None,
            },
        },
        now=now,
    )
