"""
The arithmetic of the audit chain: hashes of links and seals of anchors.

The database makes the links; this is the same rule once more, apart from it, so that
a function that was changed there is found out.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

# Parts of an event in the order in which they are hashed.
Part = str | None
# How the installation's own chain is called; an organization's has its public id.
INSTALLATION = "installation"


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a chain ended at a moment."""

    chain: str
    sequence: int
    hash: str
    taken_at: str
    seal: str = ""


def canonical(parts: Sequence[Part]) -> str:
    """
    Return parts as one text that no other parts have.

    Each is led by its length in bytes of UTF-8; a missing one is a dash.
    """
    return "".join(
        "-" if part is None else f"{len(part.encode())}:{part}" for part in parts
    )


def link_hash(parts: Sequence[Part]) -> str:
    """Return the hash of a link, in hexadecimal."""
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


def seal_of(anchor: Anchor, *, key: str) -> str:
    """Return the seal of an anchor under a key of the installation."""
    parts = ["audit anchor", anchor.chain, str(anchor.sequence)]
    text = canonical([*parts, anchor.hash, anchor.taken_at])
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def is_sealed(anchor: Anchor, *, key: str) -> bool:
    return hmac.compare_digest(anchor.seal, seal_of(anchor, key=key))
