"""
Whose rows Postgres shows: one organization's and a person's own, or everybody's.

A reach is a role of Postgres and whom it acts for. It is kept in a context variable, as
it holds for all that one request, task or command does, and `orgs.postgres` tells
Postgres before the next statement. What a role may see are rules of the database
(`orgs.walls`), so a query that forgot its filter finds nothing of others.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")


class DatabaseRole(StrEnum):
    """Who one is to Postgres; the names there begin with that of the database."""

    # As whoever logged in: the owner of the tables, who migrates.
    LOGIN = ""
    CONSOLE = "console"
    GATEWAY = "gateway"
    INSTALLATION = "installation"


@dataclass(frozen=True, slots=True)
class Reach:
    role: DatabaseRole
    organization_id: int | None = None
    person_id: int | None = None


AS_LOGIN = Reach(DatabaseRole.LOGIN)
NOBODYS = Reach(DatabaseRole.CONSOLE)
OF_GATEWAY = Reach(DatabaseRole.GATEWAY)
EVERYBODYS = Reach(DatabaseRole.INSTALLATION)

_reach: ContextVar[Reach | None] = ContextVar("reach", default=None)
# Where nothing narrower is said; see `orgs.logins`.
_of_process = AS_LOGIN


def current_reach() -> Reach:
    return _reach.get() or _of_process


def set_reach_of_process(reach: Reach) -> None:
    global _of_process
    _of_process = reach


@contextmanager
def within(reach: Reach) -> Iterator[None]:
    """Let everything in the block see what the reach shows, and no more."""
    token = _reach.set(reach)
    try:
        yield
    finally:
        _reach.reset(token)


@contextmanager
def of_person(person_id: int | None) -> Iterator[None]:
    """Show a person's own rows, and those of no organization."""
    with within(Reach(DatabaseRole.CONSOLE, None, person_id)):
        yield


@contextmanager
def of_organization(organization_id: int) -> Iterator[None]:
    """Show an organization's rows to whoever the reach is of now."""
    person_id = current_reach().person_id
    with within(Reach(DatabaseRole.CONSOLE, organization_id, person_id)):
        yield


@contextmanager
def whole_installation(reason: str) -> Iterator[None]:
    """
    Show everybody's rows: for the installation's own work, and for its operators.

    The one way around the walls. It says why, and the log keeps it.
    """
    reach = current_reach()
    logger.debug("whole_installation reason=%s person=%s", reason, reach.person_id)
    with within(Reach(DatabaseRole.INSTALLATION, None, reach.person_id)):
        yield


def elsewhere(organization_id: int | None, reason: str) -> AbstractContextManager[None]:
    """
    Return the reach in which a page adds a row that belongs to an organization.

    Mails and events tell of what people change about themselves (they are of none)
    and in a pair (they are of both): not always of the organization whose page it is.
    """
    reach = current_reach()
    is_own = organization_id is not None and organization_id == reach.organization_id
    if reach.role != DatabaseRole.CONSOLE or is_own:
        return nullcontext()
    return whole_installation(reason)


def kept(parts: Iterator[T]) -> Iterator[T]:
    """Return what is made later, each part within the reach of now."""
    return made_within(current_reach(), parts)


def made_within(reach: Reach, parts: Iterator[T]) -> Iterator[T]:
    while True:
        with within(reach):
            try:
                part = next(parts)
            except StopIteration:
                return
        yield part
