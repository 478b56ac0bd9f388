"""Headers of every answer, of pages and of the API alike."""

from __future__ import annotations

Headers = list[tuple[bytes, bytes]]
HSTS_SECONDS = 2 * 31_536_000


def headers_of_every_answer(*, is_https: bool) -> Headers:
    """Return what forbids guessing of types and, over TLS, everything without TLS."""
    headers = [(b"x-content-type-options", b"nosniff")]
    if is_https:
        value = f"max-age={HSTS_SECONDS}; includeSubDomains; preload"
        headers.append((b"strict-transport-security", value.encode()))
    return headers
