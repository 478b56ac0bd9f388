"""
What follows when a person's second factors change.

The tables are allauth's, and so are the moments: its signals, and Django's of its
table, are the only way into its transactions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from allauth.usersessions.internal.flows.sessions import end_other_sessions
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest
from django.utils import timezone

from orgs import audit
from orgs.models import User

# Who changes factors that are not their own; what allauth tells does not say.
_operator: ContextVar[User | None] = ContextVar("operator", default=None)


@contextmanager
def changed_by(operator: User) -> Iterator[None]:
    """Let what the block does to factors be the operator's doing in the audit log."""
    token = _operator.set(operator)
    try:
        yield
    finally:
        _operator.reset(token)


def listen() -> None:
    post_save.connect(note_added, sender=Authenticator)
    post_delete.connect(note_removed, sender=Authenticator)
    authenticator_added.connect(end_older_sessions)


def note_added(instance: Authenticator, created: bool, **_: Any) -> None:
    if created:
        record(instance, "user.two_factor_added")


def note_removed(instance: Authenticator, **_: Any) -> None:
    record(instance, "user.two_factor_removed")


def record(authenticator: Authenticator, action: str) -> None:
    with transaction.atomic():
        audit.record(
            organization=None,
            actor=_operator.get() or authenticator.user,
            action=action,
            target=authenticator.user.public_id,
            details={"kind": str(authenticator.type)},
            now=timezone.now(),
        )


def end_older_sessions(request: HttpRequest, user: User, **_: Any) -> None:
    """End the other sessions: they began without the new factor."""
    end_other_sessions(request, user)
