"""Storing and removing the keys by which providers are asked what they billed."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.db import transaction

from keys import encryption
from keys.admin_access import AdminAccess
from keys.models import ProviderAdminKey
from keys.queries import admin_key_context, open_admin_key
from orgs import audit
from orgs.models import Organization, User


@transaction.atomic
def store_admin_key(
    *,
    organization: Organization,
    access: AdminAccess,
    acting_user: User,
    is_verified: bool,
    now: datetime,
) -> ProviderAdminKey:
    """
    Set or replace the key by which an organization's provider is asked.

    Write-only from here on. Safe to repeat: the same again changes and records
    nothing.
    """
    organization = Organization.objects.select_for_update(no_key=True).get(
        pk=organization.pk
    )
    key = ProviderAdminKey.objects.filter(organization=organization).first()
    if key is not None and is_same(key, access, is_verified=is_verified):
        return key
    before = facts_of(key) if key else None
    if key is None:
        key = ProviderAdminKey(organization=organization, created_at=now)
    else:
        key.replaced_at = now
    key.base_url, key.project_id = access.base_url, access.project_id
    key.last_four = access.secret[-4:]
    key.created_by = acting_user
    key.verified_at = now if is_verified else None
    key.ciphertext = encryption.seal(access.secret, context=admin_key_context(key))
    key.save()
    note(organization, acting_user, "replaced", before, facts_of(key), now)
    return key


def is_same(key: ProviderAdminKey, access: AdminAccess, *, is_verified: bool) -> bool:
    """Say whether a stored key is this one, and as well verified."""
    if is_verified and key.verified_at is None:
        return False
    try:
        stored = open_admin_key(key)
    except encryption.CannotDecrypt:
        return False  # of a lost ring: it is replaced
    is_there = (stored.base_url, stored.project_id) == (
        access.base_url,
        access.project_id,
    )
    return is_there and secrets.compare_digest(stored.secret, access.secret)


@transaction.atomic
def remove_admin_key(
    *, organization: Organization, acting_user: User | None, now: datetime
) -> bool:
    """Destroy the key; return whether there was one."""
    keys = ProviderAdminKey.objects.select_for_update(of=("self",))
    key = keys.filter(organization=organization).first()
    if key is None:
        return False
    before = facts_of(key)
    key.delete()
    note(organization, acting_user, "deleted", before, None, now)
    return True


def facts_of(key: ProviderAdminKey) -> dict[str, str]:
    return {
        "base_url": key.base_url,
        "project_id": key.project_id,
        "last_four": key.last_four,
    }


def note(
    organization: Organization,
    actor: User | None,
    what: str,
    before: dict[str, str] | None,
    after: dict[str, str] | None,
    now: datetime,
) -> None:
    audit.record(
        organization=organization,
        actor=actor,
        action=f"provider_admin_key.{what}",
        target=organization.public_id,
        details={"before": before, "after": after},
        now=now,
    )
