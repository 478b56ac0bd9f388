"""Changes of keys. See the modules."""

from __future__ import annotations

from keys.actions.blocking import NotBlockable, allow_key, block_key
from keys.actions.expiry import warn_of_expiry
from keys.actions.issuing import (
    IssuedKey,
    KeyAlreadyRevoked,
    KeyIssuedBefore,
    issue_key,
    revoke_key,
)
from keys.actions.provider_keys import reseal_provider_keys, store_provider_key
from keys.actions.rotation import (
    CannotRotate,
    FormerKeyEnded,
    end_former_key,
    rotate_key,
)

__all__ = [
    "CannotRotate",
    "FormerKeyEnded",
    "IssuedKey",
    "KeyAlreadyRevoked",
    "KeyIssuedBefore",
    "NotBlockable",
    "allow_key",
    "block_key",
    "end_former_key",
    "issue_key",
    "reseal_provider_keys",
    "revoke_key",
    "rotate_key",
    "store_provider_key",
    "warn_of_expiry",
]
