"""The middleware that notes whence a request comes, who reads, what they may see."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable
from datetime import datetime

from allauth.account.adapter import get_adapter
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from core.zones import read_in
from orgs import audit
from orgs.access import is_operator
from orgs.models import User
from orgs.origin import LONGEST_USER_AGENT, Door, Origin, arriving_by
from orgs.reach import of_person, whole_installation

logger = logging.getLogger(__name__)

ADMIN_PATH = "/operator/admin/"
OPERATOR_PATH = "/operator/"
# So often the audit log is told that an operator looks at everybody's rows.
ENTRY_NOTED_S = 3600
ENTERED_AT = "operator_entered_at"


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


def set_reach(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Show a request the rows of its person; the doors show it an organization's."""

    def serve(request: HttpRequest) -> HttpResponse:
        with of_person(request.user.pk):
            if not enters_operators_pages(request):
                return get_response(request)
            with whole_installation("an operator's page"):
                note_entry(request, now=timezone.now())
                return get_response(request)

    return serve


def enters_operators_pages(request: HttpRequest) -> bool:
    return request.path.startswith(OPERATOR_PATH) and is_operator(request.user)


def note_entry(request: HttpRequest, *, now: datetime) -> None:
    """Tell the audit log, once an hour in each session, that an operator is at work."""
    if now.timestamp() - request.session.get(ENTERED_AT, 0.0) < ENTRY_NOTED_S:
        return
    assert isinstance(request.user, User), "an operator is logged in"
    request.session[ENTERED_AT] = now.timestamp()
    logger.info("operator_entered user=%s", request.user.public_id)
    with transaction.atomic():
        audit.record(
            organization=None,
            actor=request.user,
            action="operator.entered",
            target=request.user.public_id,
            now=now,
        )
