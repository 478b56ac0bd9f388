"""What a page may load: this site's own files, and no script that stands in a page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.decorators import sync_and_async_middleware

from config import single_sign_on

# Browsers hold redirects after a form to `form-action` too: single sign-on is one.
FORM_TARGETS = " ".join(["'self'", *single_sign_on.origins(settings.OIDC_SERVER_URL)])
# Plotly writes its own styles into the page.
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    f"object-src 'none'; base-uri 'none'; form-action {FORM_TARGETS}; "
    "frame-ancestors 'none'"
)
HEADER = "Content-Security-Policy"

Answer = HttpResponseBase | Awaitable[HttpResponseBase]
View = Callable[[HttpRequest], Answer]


@sync_and_async_middleware
def content_policy(get_response: View) -> View:
    """Send the policy with each page but the admin's, whose scripts evaluate text."""
    if iscoroutinefunction(get_response):

        async def wait_and_add(request: HttpRequest) -> HttpResponseBase:
            return with_policy(request, await get_response(request))

        return wait_and_add

    def add(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        assert isinstance(response, HttpResponseBase)
        return with_policy(request, response)

    return add


def with_policy(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if not request.path.startswith(reverse("admin:index")):
        response.headers.setdefault(HEADER, POLICY)
    return response
