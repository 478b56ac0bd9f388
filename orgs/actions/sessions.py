"""End people's sessions."""

from __future__ import annotations

from datetime import datetime

from allauth.usersessions.models import UserSession
from django.db import transaction

from orgs import audit
from orgs.models import User


@transaction.atomic
def end_session(
    *, session: UserSession, user: User, acting_user: User, now: datetime
) -> None:
    """Log one browser of a person out; repeating it changes nothing."""
    assert session.user_id == user.pk
    current = UserSession.objects.select_for_update().filter(pk=session.pk).first()
    if current is None:
        return
    current.end()
    audit.record(
        organization=None,
        actor=acting_user,
        action="user.session_ended",
        target=user.public_id,
        details={"before": {"address": current.ip, "browser": current.user_agent}},
        now=now,
    )


def end_all_sessions(user: User) -> int:
    """Log a person out everywhere, in the caller's transaction; return of how many."""
    sessions = list(UserSession.objects.filter(user=user).select_for_update())
    for session in sessions:
        session.end()
    return len(sessions)
