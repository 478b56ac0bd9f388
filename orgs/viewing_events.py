"""
What follows for a viewing when its operator logs out.

The log-out is Django's and allauth's, and so is the moment: their signal is the only
way to it while the session still says what was viewed.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest
from django.utils import timezone

from orgs.access import VIEWING
from orgs.actions import end_viewing
from orgs.models import User, ViewingEnd
from orgs.reach import whole_installation


def listen() -> None:
    user_logged_out.connect(end_with_session)


def end_with_session(request: HttpRequest, user: User | None, **_: Any) -> None:
    """End what was viewed in a session that ends."""
    public_id = request.session.get(VIEWING)
    if user is None or public_id is None:
        return
    with whole_installation("an operator logs out"):
        end_viewing(
            public_id=public_id,
            ended_by=ViewingEnd.LOGGED_OUT,
            acting_user=user,
            now=timezone.now(),
        )
