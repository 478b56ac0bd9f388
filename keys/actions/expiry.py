"""Tell people in time that a key of theirs ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from core.zones import as_read
from keys.models import ApiKey, ExpiryNotice
from orgs.mail import queue_mail
from orgs.models import Organization
from orgs.person_models import OptionalMail
from orgs.queries import addresses_of_owners, landing_organization

# Nearest first: of several that are due, only the nearest is sent.
DAYS_AHEAD = (0, 3, 14)
# A key that ended before, while no worker ran, is no news any more.
NEWS_FOR = timedelta(days=3)
BATCH_MAX = 500


def warn_of_expiry(*, now: datetime) -> int:
    """
    Queue the mails that are due about keys that end; return about how many keys.

    Safe to repeat and to run twice at once: each key's end is told of once 14 days
    ahead, once 3, and once when it is there.
    """
    first, last = now - NEWS_FOR, now + timedelta(days=max(DAYS_AHEAD))
    ending = ApiKey.objects.filter(
        revoked_at__isnull=True, expires_at__gt=first, expires_at__lte=last
    )
    keys = ending.select_related("organization", "user").order_by("expires_at", "pk")
    return sum(warn_of(key, now=now) for key in keys.iterator(chunk_size=BATCH_MAX))


@transaction.atomic
def warn_of(key: ApiKey, *, now: datetime) -> bool:
    """Queue the nearest mail that is due about a key, if nobody did."""
    assert key.expires_at is not None
    days = days_due(key, now=now)
    if days is None:
        return False
    _, is_new = ExpiryNotice.objects.get_or_create(
        api_key=key,
        expires_at=key.expires_at,
        days_ahead=days,
        defaults={"queued_at": now},
    )
    if is_new:
        queue_notice(key, days, now=now)
    return is_new


def days_due(key: ApiKey, *, now: datetime) -> int | None:
    """Return how many days ahead the nearest mail is that is due now."""
    assert key.expires_at is not None
    began = key.rotated_at or key.created_at
    for days in DAYS_AHEAD:
        due = key.expires_at - timedelta(days=days)
        # Who made a key for a week need not hear that it ends in two.
        if began < due <= now:
            return days
    return None


def queue_notice(key: ApiKey, days: int, *, now: datetime) -> None:
    assert key.expires_at is not None
    is_over = key.expires_at <= now
    organization, recipients = recipients_of(key)
    if organization is None:
        return
    queue_mail(
        kind=OptionalMail.KEY_EXPIRY,
        recipients=recipients,
        subject=lambda: f"[{organization.full_name}] {subject_of(key, now=now)}",
        template="key_expiry",
        context={
            "key": key,
            "is_over": is_over,
            "keys_url": f"{settings.BASE_URL}/o/{organization.slug}/keys",
        },
        dedupe_key=f"key_expiry:{key.public_id}:{key.expires_at:%Y-%m-%dT%H:%M}:{days}",
        organization=organization,
        now=now,
    )


def subject_of(key: ApiKey, *, now: datetime) -> str:
    assert key.expires_at is not None
    if key.expires_at <= now:
        return f"The API key “{key.name}” has expired"
    return f"The API key “{key.name}” expires on {as_read(key.expires_at):%-d %B}"


def recipients_of(key: ApiKey) -> tuple[Organization | None, Sequence[str]]:
    """Return where a key is rotated, and who may: its person, else the owners."""
    if key.user is None:
        assert key.organization is not None, "by constraint"
        return key.organization, addresses_of_owners(key.organization)
    if not key.user.is_active:
        return None, []
    fitting = [
        membership.organization
        for membership in key.user.memberships.select_related("organization")
        if membership.organization.environment == key.environment
    ]
    landing = landing_organization(key.user)
    if landing in fitting:
        return landing, [key.user.email]
    return (fitting[0] if fitting else None), [key.user.email]
