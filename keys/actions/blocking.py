"""Owners end a personal key in their own organization, and nowhere else."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from keys.models import ApiKey, ApiKeyKind, KeyBlock
from orgs import audit
from orgs.models import Organization, User


class NotBlockable(Exception):
    """Only a personal key that can act in the organization is blocked there."""


@transaction.atomic
def block_key(
    *,
    key: ApiKey,
    organization: Organization,
    acting_user: User | None,
    now: datetime,
) -> bool:
    """
    Let a personal key no longer act in an organization; False if it was so before.

    Every gateway knows within a second. In the person's other organizations, which
    are no business of this one's owners, the key goes on.

    :raises NotBlockable: if it is no personal key that can act there.
    """
    usable = ApiKey.objects.usable_in(organization).filter(kind=ApiKeyKind.PERSONAL)
    if not usable.filter(pk=key.pk).exists():
        raise NotBlockable
    _, is_new = KeyBlock.objects.get_or_create(
        organization=organization,
        api_key=key,
        defaults={"blocked_by": acting_user, "blocked_at": now},
    )
    if is_new:
        record_block("api_key.blocked", key, organization, acting_user, now)
    return is_new


@transaction.atomic
def allow_key(
    *,
    key: ApiKey,
    organization: Organization,
    acting_user: User | None,
    now: datetime,
) -> bool:
    """Let a blocked key act in an organization again; False if it was not blocked."""
    deleted, _ = KeyBlock.objects.filter(
        organization=organization, api_key=key
    ).delete()
    if deleted:
        record_block("api_key.allowed", key, organization, acting_user, now)
    return bool(deleted)


def record_block(
    action: str,
    key: ApiKey,
    organization: Organization,
    acting_user: User | None,
    now: datetime,
) -> None:
    audit.record(
        organization=organization,
        actor=acting_user,
        action=action,
        target=key.public_id,
        details={
            "name": key.name,
            "masked": key.masked,
            "user": key.user.email if key.user else None,
        },
        now=now,
    )
