"""Second factors at rest: encrypted under the ring that provider keys use."""

from __future__ import annotations

from urllib.parse import urlsplit

from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings

from keys.encryption import seal, unseal

CONTEXT = ("mfa_authenticator", "data")


class TwoFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    def encrypt(self, text: str) -> str:
        """Encrypt the secret of an app or the seed of recovery codes."""
        return seal(text, context=CONTEXT)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text, context=CONTEXT)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return what passkeys are bound to: BASE_URL's host, never the request's."""
        host = urlsplit(settings.BASE_URL).hostname or "localhost"
        return {"id": host, "name": "Tokenhouse"}
