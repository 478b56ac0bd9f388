"""Whose key is this? What the gateway needs to know of a presented key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from keys.models import ApiKey, ApiKeyKind, FormerKey, KeyBlock
from orgs.models import Membership, Organization


@dataclass(frozen=True, slots=True)
class Identity:
    """A key that exists, and the organizations it may act in."""

    api_key: ApiKey
    # Of the key's environment only, by public id.
    organizations: dict[str, Organization]
    # Where requests without an OpenAI-Organization header go.
    default: Organization | None
    # A person who is a member of nothing at all.
    is_without_organization: bool
    # The text that was presented, if the key has a newer one.
    former: FormerKey | None = None

    def is_live(self, *, at: datetime) -> bool:
        user = self.api_key.user
        is_active = user is None or user.is_active
        is_good = self.former is None or self.former.is_live(at=at)
        return is_active and is_good and self.api_key.is_live(at=at)


def identify(digest: str) -> Identity | None:
    """Return who a key's digest belongs to, or None. Expiry is not looked at."""
    keys = ApiKey.objects.select_related(
        "organization", "user__default_organization__sibling"
    ).filter(organization__deleted_at__isnull=True)
    # Nobody logs in here, and the gateway's role may not read it.
    keys = keys.defer("user__password")
    api_key = keys.filter(digest=digest).first()
    if api_key is not None:
        return identify_holder(api_key)
    former = FormerKey.objects.filter(digest=digest).first()
    if former is None:
        return None
    api_key = keys.filter(pk=former.api_key_id).first()
    if api_key is None:
        return None
    return replace(identify_holder(api_key), former=former)


def identify_holder(api_key: ApiKey) -> Identity:
    """Return where a key may act."""
    if api_key.kind == ApiKeyKind.PERSONAL:
        return identify_person(api_key)
    assert api_key.organization is not None, "by constraint"
    organization = api_key.organization
    return Identity(
        api_key, {organization.public_id: organization}, organization, False
    )


def identify_person(api_key: ApiKey) -> Identity:
    """
    Return what a personal key may act in: its owner's organizations of its environment.

    Those whose owners blocked it there are left out.

    The default is the person's default organization, else that one's sibling.
    """
    assert api_key.user is not None, "by constraint"
    memberships = Membership.objects.filter(user=api_key.user)
    all_of_them = [m.organization for m in memberships.select_related("organization")]
    blocks = KeyBlock.objects.filter(api_key=api_key)
    blocked = set(blocks.values_list("organization_id", flat=True))
    fitting = {
        organization.public_id: organization
        for organization in all_of_them
        if organization.environment == api_key.environment
        and organization.pk not in blocked
    }
    preferred = api_key.user.default_organization
    candidates = [preferred, preferred.sibling if preferred else None]
    default = next(
        (fitting[c.public_id] for c in candidates if c and c.public_id in fitting), None
    )
    return Identity(api_key, fitting, default, is_without_organization=not all_of_them)
