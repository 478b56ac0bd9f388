"""Tokens of invitation links: only their digest is kept."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_BYTES = 32


def new_token() -> str:
    """Return 256 random bits, fit for a URL."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest_token(token: str) -> str:
    """Return the SHA-256 of a token, in hex; 256 random bits need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()
