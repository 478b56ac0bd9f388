"""What each answer of the console tells browsers: load nothing else, keep nothing."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from config import single_sign_on
from core.safe_headers import Headers, headers_of_every_answer

ADMIN_PATH = "/operator/admin/"
# Browsers hold redirects after a form to `form-action` too: single sign-on is one.
FORM_TARGETS = " ".join(["'self'", *single_sign_on.origins(settings.OIDC_SERVER_URL)])
# Plotly writes its own styles into the page.
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    f"object-src 'none'; base-uri 'none'; form-action {FORM_TARGETS}; "
    "frame-ancestors 'none'"
)
# The admin's Alpine.js evaluates what stands in attributes. Scripts that stand in a
# page do not run there either.
ADMIN_POLICY = f"{POLICY}; script-src 'self' 'unsafe-eval'"
# What no page of ours asks a browser for. (Passkeys and the clipboard are asked for.)
UNUSED = ("camera", "microphone", "geolocation", "payment", "usb", "serial", "midi")
PAGE_HEADERS: Headers = [
    *headers_of_every_answer(is_https=settings.IS_HTTPS),
    (b"referrer-policy", settings.SECURE_REFERRER_POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", ", ".join(f"{name}=()" for name in UNUSED).encode()),
    (b"x-frame-options", b"DENY"),
    # Static files and probes say themselves how long they keep.
    (b"cache-control", b"no-store"),
]
PAGES = [*PAGE_HEADERS, (b"content-security-policy", POLICY.encode())]
ADMIN_PAGES = [*PAGE_HEADERS, (b"content-security-policy", ADMIN_POLICY.encode())]


def with_page_headers(path: str, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return an answer's headers and those of ours that it does not have yet."""
    given = list(headers)
    names = {name.lower() for name, _ in given}
    ours = ADMIN_PAGES if path.startswith(ADMIN_PATH) else PAGES
    return [*given, *(header for header in ours if header[0] not in names)]
