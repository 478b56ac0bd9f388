"""Reading keys: for the pages, and for whoever spends on a provider key."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max, QuerySet

from keys import encryption
from keys.admin_access import AdminAccess
from keys.models import (
    ApiKey,
    ApiKeyKind,
    KeyBlock,
    KeyUse,
    ProviderAdminKey,
    ProviderKey,
)
from keys.origins import origin_of
from orgs.models import Membership, Organization


def keys_visible_to(membership: Membership) -> QuerySet[ApiKey]:
    """Return an owner's view (all keys usable here) or a reader's (their own)."""
    keys = ApiKey.objects.usable_in(membership.organization)
    if not membership.is_owner:
        keys = keys.filter(kind=ApiKeyKind.PERSONAL, user=membership.user)
    return (
        keys.select_related("user", "created_by")
        .prefetch_related("former_keys")
        .order_by("-created_at", "-pk")
    )


def is_changeable_by(membership: Membership, key: ApiKey) -> bool:
    """
    Say whether a member may rotate or revoke a key that they see.

    A personal key is its person's alone: it may work in other organizations too.
    """
    if key.kind == ApiKeyKind.PERSONAL:
        return key.user_id == membership.user_id
    return membership.is_owner


def last_uses(organization: Organization) -> dict[int, KeyUse]:
    """Return the last use of each key in an organization, by the key's row id."""
    uses = KeyUse.objects.filter(organization=organization)
    return {use.api_key_id: use for use in uses}


def blocked_keys(organization: Organization) -> set[int]:
    """Return the row ids of the personal keys that may not act there."""
    blocks = KeyBlock.objects.filter(organization=organization)
    return set(blocks.values_list("api_key_id", flat=True))


def last_use_by_member(organization: Organization) -> dict[int, datetime]:
    """Return when each person's own keys were last used here, by the person's id."""
    uses = KeyUse.objects.filter(
        organization=organization, api_key__user__isnull=False
    ).values_list("api_key__user")
    return dict(uses.annotate(last_used_at=Max("last_used_at")).order_by())


def provider_key_of(organization: Organization) -> ProviderKey | None:
    return ProviderKey.objects.filter(organization=organization).first()


def provider_key_context(key: ProviderKey) -> tuple[str, ...]:
    """Return what a provider key's ciphertext is bound to."""
    return (
        key.organization.public_id,
        "keys_providerkey",
        "ciphertext",
        str(key.row_uuid),
        origin_of(key.base_url),
    )


def open_provider_key(key: ProviderKey) -> str:
    """
    Return a provider key in clear, for the gateway alone.

    :raises keys.encryption.CannotDecrypt: if it was altered, moved, or its URL edited.
    """
    return encryption.unseal(key.ciphertext, context=provider_key_context(key))


def admin_key_of(organization: Organization) -> ProviderAdminKey | None:
    return ProviderAdminKey.objects.filter(organization=organization).first()


def admin_key_context(key: ProviderAdminKey) -> tuple[str, ...]:
    """Return what the ciphertext of a provider's admin key is bound to."""
    return (
        key.organization.public_id,
        "keys_provideradminkey",
        "ciphertext",
        str(key.row_uuid),
        origin_of(key.base_url),
    )


def open_admin_key(key: ProviderAdminKey) -> AdminAccess:
    """
    Return a provider's admin key in clear, for the comparison alone.

    :raises keys.encryption.CannotDecrypt: if it was altered, moved, or its URL edited.
    """
    secret = encryption.unseal(key.ciphertext, context=admin_key_context(key))
    return AdminAccess(key.base_url, secret, key.project_id)
