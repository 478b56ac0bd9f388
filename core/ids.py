"""Identifiers: prefixed public ids, and event ids that carry their time."""

from __future__ import annotations

import secrets
import string
import time
import uuid
from datetime import UTC, datetime

ALPHABET = string.digits + string.ascii_letters


def random_text(length: int) -> str:
    """Return `length` random base62 characters (5.95 bits each)."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def public_id(prefix: str, *, length: int = 24) -> str:
    """Return a new public id such as `org-…` or `key_…`; the prefix says its kind."""
    return prefix + random_text(length)


def new_event_id() -> uuid.UUID:
    """
    Return a new UUID version 7 (RFC 9562): 48 bits of Unix milliseconds, then random.

    The same id always names the same instant, so a record finds its partition from
    its id alone and can exist only once.
    """
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def event_time(event_id: uuid.UUID) -> datetime:
    """Return the instant (UTC, whole milliseconds) that an event id carries."""
    milliseconds = event_id.int >> 80
    seconds, rest = divmod(milliseconds, 1000)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest * 1000)


def event_id_of(public_id: str, *prefixes: str) -> uuid.UUID | None:
    """Return the event id after one of the prefixes, or None if there is none."""
    for prefix in prefixes:
        if public_id.startswith(prefix):
            try:
                return uuid.UUID(hex=public_id.removeprefix(prefix))
            except ValueError:
                return None
    return None
