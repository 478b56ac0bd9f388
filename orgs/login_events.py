"""
Log-ins and log-outs in the audit log, and failed ones in the process's own log.

Failed ones are not rows: whoever guesses would fill the table, and the time it takes
to write one would tell which addresses have an account.
"""

from __future__ import annotations

import logging
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.signals import user_logged_in
from django.contrib.auth.signals import user_logged_out, user_login_failed
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from orgs import audit
from orgs.arrival import address_of
from orgs.models import User

logger = logging.getLogger(__name__)


def listen() -> None:
    user_logged_in.connect(note_login)
    user_logged_out.connect(note_logout)
    user_login_failed.connect(log_failure)


def note_login(request: HttpRequest, user: User, **_: Any) -> None:
    methods = [
        str(each["method"]) for each in get_authentication_records(request, user)
    ]
    note(user, "login.succeeded", {"methods": methods})


def note_logout(user: User | None, **_: Any) -> None:
    """Note who logged out; a session that had ended already was nobody's."""
    if user is not None:
        note(user, "logout.succeeded", {})


def note(user: User, action: str, details: dict[str, Any]) -> None:
    with transaction.atomic():
        audit.record(
            organization=None,
            actor=user,
            action=action,
            target=user.public_id,
            details=details,
            now=timezone.now(),
        )


def log_failure(
    credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    """Log whence it was tried; the address that was typed may be a password."""
    origin = address_of(request) if request is not None else None
    logger.warning("login.failed from=%s", origin)
