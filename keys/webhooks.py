"""Webhooks in the form of Standard Webhooks: secrets, signatures, pauses. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import timedelta

from keys.origins import UnusableUrl, vet_base_url

SECRET_PREFIX = "whsec_"  # noqa: S105 - of every secret
SECRET_BYTES = 32
QUERY = re.compile(r"[A-Za-z0-9.\-_~:/%&=+,;@!*]*")
# After each attempt that failed; after the last one it is given up. Three days.
PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)


def new_secret() -> str:
    """Return a new secret as its receiver's library takes it."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(
    *, secret: str, event_id: str, sent_at: int, body: str
) -> dict[str, str]:
    """
    Return the headers by which a receiver knows that an event is ours, and new.

    `sent_at` are Unix seconds. As the specification of Standard Webhooks has it:
    HMAC-SHA-256 over id, time and body.
    """
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{event_id}.{sent_at}.{body}".encode()
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(sent_at),
        "webhook-signature": f"v1,{signature}",
    }


def pause_after(attempts: int) -> timedelta | None:
    """Return how long to wait after so many attempts; None: it is given up."""
    return PAUSES[attempts - 1] if attempts <= len(PAUSES) else None


def vet_webhook_url(url: str, *, allowed_networks: Sequence[str]) -> str:
    """
    Return an endpoint's URL as it is kept; it may carry a query.

    :raises UnusableUrl: if events may not be sent there, as provider keys may not.
    """
    base, _, query = url.partition("?")
    vet_base_url(base, allowed_networks=allowed_networks)
    if not QUERY.fullmatch(query):
        raise UnusableUrl("After ? only letters, digits and -._~:/%&=+,;@!* may stand.")
    return url
