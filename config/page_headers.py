"""What each answer of the console tells browsers: load nothing else, keep nothing."""

from __future__ import annotations

import re
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
# Where a card is entered, if one can be: Stripe's own form, in frames of theirs. See
# https://docs.stripe.com/security/guide#content-security-policy
CARD_PATH = re.compile(r"/o/[-\w]+/billing/card(/|$)")
STRIPE_SCRIPTS = "https://js.stripe.com https://*.js.stripe.com"
CARD_POLICY = (
    f"{POLICY}; script-src 'self' {STRIPE_SCRIPTS}; "
    f"frame-src {STRIPE_SCRIPTS} https://hooks.stripe.com; "
    "connect-src 'self' https://api.stripe.com"
)
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
CARD_PAGES = [*PAGE_HEADERS, (b"content-security-policy", CARD_POLICY.encode())]
ADMIN_PAGES = [*PAGE_HEADERS, (b"content-security-policy", ADMIN_POLICY.encode())]


def with_page_headers(path: str, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return an answer's headers and those of ours that it does not have yet."""
    given = list(headers)
    names = {name.lower() for name, _ in given}
    ours = headers_for(path)
    return [*given, *(header for header in ours if header[0] not in names)]


def headers_for(path: str) -> Headers:
    if path.startswith(ADMIN_PATH):
        return ADMIN_PAGES
    if settings.STRIPE_SECRET_KEY and CARD_PATH.match(path):
        return CARD_PAGES
    return PAGES
