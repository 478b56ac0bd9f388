"""
Secrets at rest: AES-256-GCM under a ring of keys, bound to where they belong.

The context (organization, table, column, row, origin) is authenticated with the
ciphertext: moved, swapped or edited, a secret does not open.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

FORMAT = "v1"
NONCE_BYTES = 12
KEY_BYTES = 32


class CannotDecrypt(Exception):
    """The secret was altered or moved, or its key is not in the ring."""


def seal(plaintext: str, *, context: tuple[str, ...]) -> str:
    """Encrypt under the newest key: `v1.<key name>.<base64 of nonce and text>`."""
    form, name, data = seal_bytes(plaintext.encode(), context=context).split(b".", 2)
    return f"{form.decode()}.{name.decode()}.{base64.b64encode(data).decode()}"


def unseal(ciphertext: str, *, context: tuple[str, ...]) -> str:
    """
    Decrypt what `seal` made in the same context.

    :raises CannotDecrypt: for anything else, without saying why.
    """
    form, _, rest = ciphertext.partition(".")
    name, _, encoded = rest.partition(".")
    try:
        data = base64.b64decode(encoded, validate=True)
        sealed = f"{form}.{name}.".encode() + data
        return unseal_bytes(sealed, context=context).decode()
    except (binascii.Error, ValueError):
        raise CannotDecrypt from None


def newest_key_name() -> str:
    """Return the name of the key that `seal` encrypts under."""
    return next(iter(read_ring(settings.ENCRYPTION_KEYS)))


def key_name_of(ciphertext: str) -> str:
    """Return the name of the key that a ciphertext says it is under."""
    return ciphertext.partition(".")[2].partition(".")[0]


def seal_bytes(plaintext: bytes, *, context: tuple[str, ...]) -> bytes:
    """Encrypt under the newest key: `v1.<key name>.` and the raw nonce and text."""
    ring = read_ring(settings.ENCRYPTION_KEYS)
    name = newest_key_name()
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(ring[name]).encrypt(
        nonce, plaintext, associated_data(name, context)
    )
    return f"{FORMAT}.{name}.".encode() + nonce + sealed


def unseal_bytes(ciphertext: bytes, *, context: tuple[str, ...]) -> bytes:
    """
    Decrypt what `seal_bytes` made in the same context.

    :raises CannotDecrypt: for anything else, without saying why.
    """
    form, _, rest = ciphertext.partition(b".")
    raw_name, _, data = rest.partition(b".")
    name = raw_name.decode(errors="replace")
    key = read_ring(settings.ENCRYPTION_KEYS).get(name)
    if form != FORMAT.encode() or key is None:
        raise CannotDecrypt
    nonce, sealed = data[:NONCE_BYTES], data[NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, sealed, associated_data(name, context))
    except (InvalidTag, ValueError):
        raise CannotDecrypt from None


def associated_data(key_name: str, context: tuple[str, ...]) -> bytes:
    """Join the parts with their lengths, so that no two contexts look alike."""
    parts = [part.encode() for part in (FORMAT, key_name, *context)]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


@cache
def read_ring(text: str) -> Mapping[str, bytes]:
    """
    Read `name:base64,name:base64`, newest first.

    :raises ImproperlyConfigured: if a key is not 32 bytes of base64 with a name.
    """
    ring = {}
    for entry in text.split(","):
        name, _, encoded = entry.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        if not name or "." in name or len(key) != KEY_BYTES:
            raise ImproperlyConfigured(
                "ENCRYPTION_KEYS must be name:base64 of 32 bytes, comma-separated."
            )
        ring[name] = key
    return ring
