"""
Links by which an address refuses a kind of mail, without logging in (RFC 8058).

The link says all of it and is signed: it works for as long as the mail is kept.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

SALT = "orgs.unsubscribing"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A kind of mail about an organization that an address gets."""

    organization_id: int
    email: str
    kind: str


def unsubscribe_url(subscription: Subscription) -> str:
    """Return the link that is in the mail's text and in its headers."""
    token = Signer(salt=SALT).sign_object(asdict(subscription))
    return f"{settings.BASE_URL}{reverse('orgs:unsubscribe', args=[token])}"


def subscription_of(token: str) -> Subscription | None:
    """Return what a link is about; none if it is not one of ours."""
    try:
        values: dict[str, Any] = Signer(salt=SALT).unsign_object(token)
    except BadSignature:
        return None
    return Subscription(**values)
