"""
The longest life of a session: after it one logs in again, however busy one was.

Django's own limit begins anew whenever something is kept in a session.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

LONGEST = timedelta(days=30)
BEGAN_AT = "session_began_at"


def end_old_session(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Log out whoever logged in longer ago than a session may live."""

    def serve(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = timezone.now().timestamp()
            began_at = request.session.setdefault(BEGAN_AT, now)
            if now - began_at > LONGEST.total_seconds():
                logout(request)
        return get_response(request)

    return serve
