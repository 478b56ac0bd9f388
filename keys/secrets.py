"""The text of API keys: make, parse, digest. Pure but for the random source."""

from __future__ import annotations

import hashlib
import hmac
import re
import zlib
from dataclasses import dataclass

from core import ids

HANDLE_LENGTH = 12
SECRET_LENGTH = 43  # base62: 256 bits
CHECKSUM_LENGTH = 6  # base62 of a CRC-32
KEY_PATTERN = re.compile(
    r"th-(?P<kind>(?:personal|service)(?:_staging)?|admin)"
    r"-(?P<handle>[0-9A-Za-z]{12})-(?P<rest>[0-9A-Za-z]{49})"
)


@dataclass(frozen=True, slots=True)
class KeyText:
    """A key as its holder sees it, and the parts of it that may be kept."""

    text: str
    handle: str

    @property
    def last_four(self) -> str:
        return self.text[-4:]


def kind_text(kind: str, environment: str) -> str:
    """Return how kind and environment are written in a key: `personal_staging`."""
    if kind == "admin" or environment == "production":
        return kind
    return f"{kind}_{environment}"


def make_key(*, kind: str, environment: str) -> KeyText:
    """Make a new key: `th-<kind>-<handle>-<secret><checksum>`."""
    handle = ids.random_text(HANDLE_LENGTH)
    body = (
        f"th-{kind_text(kind, environment)}-{handle}-{ids.random_text(SECRET_LENGTH)}"
    )
    return KeyText(text=body + checksum(body), handle=handle)


def checksum(body: str) -> str:
    """Return the CRC-32 of the text as six base62 characters."""
    value = zlib.crc32(body.encode())
    characters = []
    for _ in range(CHECKSUM_LENGTH):
        value, digit = divmod(value, 62)
        characters.append(ids.ALPHABET[digit])
    return "".join(reversed(characters))


def parse_key(text: str) -> KeyText | None:
    """Return the key, or None if its form or its checksum is wrong."""
    match = KEY_PATTERN.fullmatch(text)
    if match is None or checksum(text[:-CHECKSUM_LENGTH]) != text[-CHECKSUM_LENGTH:]:
        return None
    return KeyText(text=text, handle=match["handle"])


def digest_key(text: str, *, pepper: str) -> str:
    """Return the HMAC-SHA-256 of a key under the installation's pepper, in hex."""
    return hmac.new(pepper.encode(), text.encode(), hashlib.sha256).hexdigest()


def mask_key(text: str) -> str:
    """Return what may be echoed of a wrong key: its start and its last four."""
    if len(text) < 24:
        return "***"
    return f"{text[:8]}***{text[-4:]}"
