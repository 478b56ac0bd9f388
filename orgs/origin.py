"""
Whence a change comes: through which door, from which address, by which program.

A change's own arguments say who acts; this says how. It is kept in a context variable,
because it says the same of everything that one request, task or command does, and
decides nothing: the audit log writes it down.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import models

LONGEST_USER_AGENT = 200


class Door(models.TextChoices):
    UNKNOWN = "unknown", "Not noted"
    PAGE = "page", "Page"
    API = "api", "API"
    ADMIN = "admin", "Operator's admin"
    COMMAND = "command", "Command"
    TASK = "task", "Periodic work"


@dataclass(frozen=True, slots=True)
class Origin:
    door: Door
    address: str | None = None
    user_agent: str = ""
    # Public id of the admin key that it was done with, if one was.
    api_key: str = ""


# Whatever comes neither by HTTP nor as periodic work was started by hand.
BY_HAND = Origin(Door.COMMAND)
_origin: ContextVar[Origin] = ContextVar("origin", default=BY_HAND)


def current_origin() -> Origin:
    return _origin.get()


@contextmanager
def arriving_by(origin: Origin) -> Iterator[None]:
    """Let everything that is done in the block come from `origin`."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)
