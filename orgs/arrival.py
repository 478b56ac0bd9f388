"""The middleware that notes where each request to a page comes from, and who reads."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from allauth.account.adapter import get_adapter
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse

from core.zones import read_in
from orgs.models import User
from orgs.origin import LONGEST_USER_AGENT, Door, Origin, arriving_by

ADMIN_PATH = "/operator/admin/"


def note_origin(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Note where each request to a page comes from."""

    def serve(request: HttpRequest) -> HttpResponse:
        with arriving_by(origin_of(request)):
            return get_response(request)

    return serve


def show_times_of_reader(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Show moments in the time zone of whoever is logged in, UTC to others."""

    def serve(request: HttpRequest) -> HttpResponse:
        with read_in(lambda: zone_of(request)):
            return get_response(request)

    return serve


def zone_of(request: HttpRequest) -> str:
    return request.user.time_zone if isinstance(request.user, User) else "UTC"


def origin_of(request: HttpRequest) -> Origin:
    is_admin = request.path.startswith(ADMIN_PATH)
    agent = request.headers.get("User-Agent", "")
    return Origin(
        Door.ADMIN if is_admin else Door.PAGE,
        address_of(request),
        "".join(c for c in agent if c.isprintable())[:LONGEST_USER_AGENT],
    )


def address_of(request: HttpRequest) -> str | None:
    """Return the client's address as sign-in throttling sees it, if it is one."""
    try:
        text = get_adapter(request).get_client_ip(request)
        return str(ipaddress.ip_address(text))
    except (PermissionDenied, ImproperlyConfigured, ValueError):
        return None
