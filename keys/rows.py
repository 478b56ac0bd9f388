"""A key as the keys page shows it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from keys.models import ApiKey, ApiKeyKind, FormerKey, KeyUse
from keys.queries import is_changeable_by
from orgs.models import Membership

SOON = timedelta(days=14)
UNUSED_AFTER = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key, how it stands, and what its viewer may do with it."""

    key: ApiKey
    status: str
    mark: str
    is_over: bool
    # Never used in the organization, or not for long.
    is_unused: bool
    use: KeyUse | None
    # Its former texts that still work.
    former: tuple[FormerKey, ...]
    is_changeable: bool
    is_blocked: bool
    is_blockable: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an organization's keys besides their rows."""

    viewer: Membership
    uses: Mapping[int, KeyUse]
    blocked: Collection[int]
    now: datetime


def key_row(key: ApiKey, facts: Facts) -> KeyRow:
    use = facts.uses.get(key.pk)
    status, mark, is_over = standing(key, now=facts.now)
    is_blocked = key.pk in facts.blocked
    if is_blocked and not is_over:
        status, mark = "Blocked here", "mark-bad"
    is_changeable = is_changeable_by(facts.viewer, key)
    return KeyRow(
        key,
        status,
        mark,
        is_over,
        is_unused=use is None or facts.now - use.last_used_at >= UNUSED_AFTER,
        use=use,
        former=tuple(f for f in key.former_keys.all() if f.is_live(at=facts.now)),
        is_changeable=is_changeable,
        is_blocked=is_blocked,
        is_blockable=(
            facts.viewer.is_owner
            and key.kind == ApiKeyKind.PERSONAL
            and not is_changeable
        ),
    )


def standing(key: ApiKey, *, now: datetime) -> tuple[str, str, bool]:
    """Return a key's status in words, its mark, and whether it is over."""
    if key.revoked_at is not None:
        return "Revoked", "", True
    if not key.is_live(at=now):
        return "Expired", "", True
    if key.expires_at is not None and key.expires_at - now < SOON:
        return "Expires soon", "mark-warn", False
    return "Works", "mark-good", False
