"""Storing provider keys, and sealing them anew."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TypeVar

from django.db import transaction
from django.db.models import QuerySet

from keys import encryption
from keys.actions.webhooks import open_secret, secret_context
from keys.models import ProviderAdminKey, ProviderKey, WebhookEndpoint
from keys.queries import (
    admin_key_context,
    open_admin_key,
    open_provider_key,
    provider_key_context,
)
from orgs import audit
from orgs.models import Organization, User
from orgs.security_mail import queue_security_mail

BATCH_MAX = 100

Sealed = TypeVar("Sealed", ProviderKey, ProviderAdminKey, WebhookEndpoint)


@transaction.atomic
def store_provider_key(
    *,
    organization: Organization,
    base_url: str,
    secret: str,
    acting_user: User | None,
    is_verified: bool = False,
    now: datetime,
) -> ProviderKey:
    """
    Set or replace the key that an organization spends on. Write-only from here on.

    Requests under way end with the key they began with; later ones use the new one.
    `is_verified` says that the provider was asked and took it. Safe to repeat: the
    same again changes and records nothing.

    :raises keys.origins.UnusableUrl: if the base URL is not one.
    """
    organization = Organization.objects.select_for_update(no_key=True).get(
        pk=organization.pk
    )
    key = ProviderKey.objects.filter(organization=organization).first()
    if key is not None and is_same(key, base_url, secret, is_verified=is_verified):
        return key
    before = {"base_url": key.base_url, "last_four": key.last_four} if key else None
    if key is None:
        key = ProviderKey(organization=organization, created_at=now)
    else:
        key.replaced_at = now
    key.base_url = base_url
    key.last_four = secret[-4:]
    key.created_by = acting_user
    key.verified_at = now if is_verified else None
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
    queue_security_mail(
        organization=organization,
        headline="The provider key was replaced" if before else "A provider key is set",
        meaning=f"Requests go to {key.base_url} now, and are paid with the key that "
        f"ends in {key.last_four}.",
        cause="provider_key",
        acting_user=acting_user,
        now=now,
    )
    return key


def is_same(key: ProviderKey, base_url: str, secret: str, *, is_verified: bool) -> bool:
    """Say whether a stored key is this one, and as well verified."""
    if key.base_url != base_url or (is_verified and key.verified_at is None):
        return False
    try:
        return secrets.compare_digest(open_provider_key(key), secret)
    except encryption.CannotDecrypt:
        return False  # of a lost ring: it is replaced


def reseal_provider_keys(*, now: datetime, batch_max: int = BATCH_MAX) -> int:
    """
    Encrypt some provider keys anew that are not under the newest key; return how many.

    A batch is a transaction: whatever ends this, the next call goes on where it
    stopped. Runs at once share the work. What a key opens to stays the same.

    :raises keys.encryption.CannotDecrypt: if one was altered or moved, or its key is
        no longer in the ring; the batch changes nothing then.
    """
    with transaction.atomic():
        batch = under_older_keys(ProviderKey.objects.all(), batch_max)
        for key in batch:
            secret, context = open_provider_key(key), provider_key_context(key)
            seal_anew(key, "provider_key", secret, context, now=now)
    return len(batch)


def reseal_admin_keys(*, now: datetime, batch_max: int = BATCH_MAX) -> int:
    """Do the same for the keys by which providers are asked what they billed."""
    with transaction.atomic():
        batch = under_older_keys(ProviderAdminKey.objects.all(), batch_max)
        for key in batch:
            secret, context = open_admin_key(key).secret, admin_key_context(key)
            seal_anew(key, "provider_admin_key", secret, context, now=now)
    return len(batch)


def reseal_webhook_secrets(*, now: datetime, batch_max: int = BATCH_MAX) -> int:
    """Do the same for the secrets by which webhooks are signed."""
    with transaction.atomic():
        batch = under_older_keys(WebhookEndpoint.objects.all(), batch_max)
        for endpoint in batch:
            secret, context = open_secret(endpoint), secret_context(endpoint)
            seal_anew(endpoint, "webhook", secret, context, now=now)
    return len(batch)


def under_older_keys(keys: QuerySet[Sealed], batch_max: int) -> list[Sealed]:
    """Lock and return some that are not under the newest key, and nobody else's."""
    newest = f"{encryption.FORMAT}.{encryption.newest_key_name()}."
    old = keys.exclude(ciphertext__startswith=newest).order_by("pk")
    locked = old.select_for_update(skip_locked=True, of=("self",))
    return list(locked.select_related("organization")[:batch_max])


def seal_anew(
    key: ProviderKey | ProviderAdminKey | WebhookEndpoint,
    noun: str,
    secret: str,
    context: tuple[str, ...],
    *,
    now: datetime,
) -> None:
    before = encryption.key_name_of(key.ciphertext)
    key.ciphertext = encryption.seal(secret, context=context)
    key.save(update_fields=["ciphertext"])
    audit.record(
        organization=key.organization,
        actor=None,
        action=f"{noun}.resealed",
        target=key.organization.public_id,
        details={
            "before": {"encryption_key": before},
            "after": {"encryption_key": encryption.key_name_of(key.ciphertext)},
        },
        now=now,
    )
