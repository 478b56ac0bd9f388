"""Where a provider key may be sent: its base URL, checked. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit


class UnusableUrl(ValueError):
    """A base URL is not one that a provider key may be sent to; says why."""


def origin_of(base_url: str) -> str:
    """
    Return scheme, host and port of a base URL: `https://api.openai.com:443`.

    :raises UnusableUrl: if it is not an absolute http(s) URL without user, query
        or fragment.
    """
    try:
        parts = urlsplit(base_url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        raise UnusableUrl("Enter a whole URL, such as https://host/v1.") from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise UnusableUrl("Enter a whole URL, such as https://host/v1.")
    if parts.username or parts.password:
        raise UnusableUrl("Leave user and password out of the URL.")
    if parts.query or parts.fragment:
        raise UnusableUrl("Leave everything after ? or # out of the URL.")
    return f"{parts.scheme}://{parts.hostname}:{port}"
