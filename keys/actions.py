"""Issuing and revoking keys, storing provider keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from keys import encryption
from keys.models import ApiKey, ProviderKey
from keys.queries import provider_key_context
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


@transaction.atomic
def store_provider_key(
    *,
    organization: Organization,
    base_url: str,
    secret: str,
    acting_user: User | None,
    now: datetime,
) -> ProviderKey:
    """
    Set or replace the key that an organization spends on. Write-only from here on.

    :raises keys.origins.UnusableUrl: if the base URL is not one.
    """
    organization = Organization.objects.select_for_update(no_key=True).get(
        pk=organization.pk
    )
    key = ProviderKey.objects.filter(organization=organization).first()
    before = {"base_url": key.base_url, "last_four": key.last_four} if key else None
    if key is None:
        key = ProviderKey(organization=organization, created_at=now)
    else:
        key.replaced_at = now
    key.base_url = base_url
    key.last_four = secret[-4:]
    key.created_by = acting_user
    key.ciphertext = encryption.seal(secret, context=provider_key_context(key))
    key.save()
    audit.record(
        organization=organization,
        actor=acting_user,
        action="provider_key.replaced",
        target=organization.public_id,
        details={
            "before": before,
            "after": {"base_url": key.base_url, "last_four": key.last_four},
        },
        now=now,
    )
    return key


def record_key_event(
    action: str, key: ApiKey, *, acting_user: User | None, now: datetime
) -> None:
    after: dict[str, Any] = {
        "name": key.name,
        "kind": key.kind,
        "environment": key.environment,
        "masked": key.masked,
        "user": key.user.email if key.user else None,
    }
    audit.record(
        organization=key.organization,
        actor=acting_user,
        action=action,
        target=key.public_id,
        details={"after": after},
        now=now,
    )
