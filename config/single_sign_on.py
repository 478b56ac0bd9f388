"""Single sign-on by OpenID Connect, as the environment configures it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

# In the provider's list of allowed addresses: `/account/oidc/sso/login/callback/`.
PROVIDER_ID = "sso"


def origins(server_url: str) -> list[str]:
    """Return where a browser is sent to, as a content security policy names it."""
    url = urlsplit(server_url)
    return [f"{url.scheme}://{url.netloc}"] if server_url else []


def providers(
    *, server_url: str, name: str, client_id: str, secret: str
) -> dict[str, Any]:
    """
    Return allauth's SOCIALACCOUNT_PROVIDERS: one provider, or none without a URL.

    :raises ImproperlyConfigured: if it is named without what belongs to it, or
        would be spoken to in the clear.
    """
    if not server_url:
        return {}
    if not (client_id and secret):
        raise ImproperlyConfigured(
            "OIDC_SERVER_URL needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET "
            "(or OIDC_CLIENT_SECRET_FILE)."
        )
    url = urlsplit(server_url)
    if url.scheme != "https" and url.hostname not in ("localhost", "127.0.0.1"):
        raise ImproperlyConfigured("OIDC_SERVER_URL must begin with https://.")
    app = {
        "provider_id": PROVIDER_ID,
        "name": name,
        "client_id": client_id,
        "secret": secret,
        "settings": {"server_url": server_url},
    }
    return {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
