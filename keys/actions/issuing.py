"""Issuing and revoking API keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from keys.models import ApiKey, ApiKeyKind, new_api_key_id
from keys.secrets import digest_key, make_key
from orgs import audit
from orgs.models import Organization, User
from orgs.security_mail import queue_security_mail


class KeyAlreadyRevoked(Exception):
    """The key was revoked before."""


class KeyIssuedBefore(Exception):
    """There is a key of this id: its text was in the answer that made it."""


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
    public_id: str | None = None,
    now: datetime,
) -> IssuedKey:
    """
    Make an API key. Its text is in the answer and nowhere else.

    A personal key has a `user`, a service or admin key an `organization`.

    :raises KeyIssuedBefore: if there is a key of the id already.
    """
    made = make_key(kind=kind, environment=environment)
    key = ApiKey(
        public_id=public_id or new_api_key_id(),
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
    insert(key)
    record_key_event("api_key.created", key, acting_user=acting_user, now=now)
    if key.kind == ApiKeyKind.ADMIN:
        tell_of_admin_key(key, acting_user=acting_user, now=now)
    return IssuedKey(made.text, key)


def tell_of_admin_key(key: ApiKey, *, acting_user: User | None, now: datetime) -> None:
    assert key.organization is not None
    queue_security_mail(
        organization=key.organization,
        headline=f"The admin key {key.name} was made",
        meaning="Who has it can do by the Admin API what an owner can: members, keys, "
        f"limits. It begins and ends like this: {key.masked}.",
        cause=f"admin_key:{key.public_id}",
        acting_user=acting_user,
        now=now,
    )


def insert(key: ApiKey) -> None:
    """Insert a key; of two with one id the second waits and is refused."""
    try:
        with transaction.atomic():
            key.save(force_insert=True)
    except IntegrityError as error:
        if "public_id" in str(error):
            raise KeyIssuedBefore from error
        raise


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
