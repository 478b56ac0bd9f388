"""
In which time zone somebody reads moments.

UTC stays Django's current time zone: cycles, days and dates must be the same for all,
so a moment is shown in the reader's zone only where a page or a mail says so, by
`moment` and `moment_text` of `core.templatetags.moments`. Files and the API keep to
UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_zone_name: ContextVar[Callable[[], str]] = ContextVar(
    "zone_name", default=lambda: "UTC"
)


@contextmanager
def read_in(zone_name: Callable[[], str]) -> Iterator[None]:
    """Let moments in the block be read in a zone, whose name is asked for if needed."""
    token = _zone_name.set(zone_name)
    try:
        yield
    finally:
        _zone_name.reset(token)


def as_read(at: datetime) -> datetime:
    """Return a moment in the reader's zone."""
    return at.astimezone(zone_called(_zone_name.get()()))


def zone_called(name: str) -> tzinfo:
    """Return a zone of the IANA database; UTC, should it know the name no more."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def zone_label(at: datetime) -> str:
    """Return what people call a moment's zone: `CET`, or `UTC+07` if it has no name."""
    name = at.tzname() or "UTC"
    return f"UTC{name}" if name.startswith(("+", "-")) else name
