"""Issuing and revoking API keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from keys.models import ApiKey
from keys.secrets import digest_key, make_key
from orgs import audit
from orgs.models import Organization, User


class KeyAlreadyRevoked(Exception):
    """The key was revoked before."""


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key and, this once, its text."""

    text: str
    key: ApiKey

    def __repr__(self) -> str:
        return f"IssuedKey({self.key.public_id})"


@transaction.atomic
def issue_key(
    *,
    kind: str,
    environment: str,
    name: str,
    organization: Organization | None,
    user: User | None,
    acting_user: User | None,
    expires_at: datetime | None,
    models_allowed: Sequence[str] = (),
    now: datetime,
) -> IssuedKey:
    """
    Make an API key. Its text is in the answer and nowhere else.

    A personal key has a `user`, a service or admin key an `organization`.
    """
    made = make_key(kind=kind, environment=environment)
    key = ApiKey.objects.create(
        kind=kind,
        environment=environment,
        organization=organization,
        user=user,
        name=name,
        handle=made.handle,
        digest=digest_key(made.text, pepper=settings.KEY_PEPPER),
        last_four=made.last_four,
        created_by=acting_user,
        created_at=now,
        expires_at=expires_at,
        models_allowed=list(models_allowed),
    )
    record_key_event("api_key.created", key, acting_user=acting_user, now=now)
    return IssuedKey(made.text, key)


@transaction.atomic
def revoke_key(*, key: ApiKey, acting_user: User | None, now: datetime) -> None:
    """
    End a key for good; every gateway stops taking it within a second.

    :raises KeyAlreadyRevoked: if it was ended before; nothing changes then.
    """
    changed = ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True)
    if not changed.update(revoked_at=now):
        raise KeyAlreadyRevoked
    key.revoked_at = now
    record_key_event("api_key.deleted", key, acting_user=acting_user, now=now)


def record_key_event(
    action: str, key: ApiKey, *, acting_user: User | None, now: datetime
) -> None:
    after: dict[str, Any] = {
        "name": key.name,
        "kind": key.kind,
        "environment": key.environment,
        "masked": key.masked,
        "user": key.user.email if key.user else None,
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        "models_allowed": key.models_allowed,
    }
    audit.record(
        organization=key.organization,
        actor=acting_user,
        action=action,
        target=key.public_id,
        details={"after": after},
        now=now,
    )
