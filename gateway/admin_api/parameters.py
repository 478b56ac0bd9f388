"""What an address of the Admin API asks, read strictly: what is wrong is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from django.http import QueryDict

from gateway import errors

T = TypeVar("T")

# The SDKs write `group_by[]=model`; others leave the brackets out.
LIST_MARK = "[]"
VALUES_MAX = 100
LATEST_S = 253_402_300_799


def refuse_unknown(query: QueryDict, known: Collection[str]) -> None:
    """Refuse what is not understood: a filter that is ignored gives wrong sums."""
    for name in query:
        if name.removesuffix(LIST_MARK) not in known:
            raise errors.malformed(f"Unknown parameter: '{name}'.", name)


def texts(query: QueryDict, name: str) -> list[str]:
    values = [*query.getlist(name), *query.getlist(f"{name}{LIST_MARK}")]
    if len(values) > VALUES_MAX:
        raise errors.malformed(f"'{name}' has more than {VALUES_MAX} values.", name)
    return values


def instant(query: QueryDict, name: str) -> datetime | None:
    """Return a moment given in Unix seconds, or None if it is not given."""
    seconds = whole_number(query, name, least=0, most=LATEST_S)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def required_instant(query: QueryDict, name: str) -> datetime:
    found = instant(query, name)
    if found is None:
        raise errors.malformed(f"Missing required parameter: '{name}'.", name)
    return found


def whole_number(query: QueryDict, name: str, *, least: int, most: int) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and least <= int(text[:16]) <= most):
        message = f"'{name}' must be a whole number from {least} to {most}."
        raise errors.malformed(message, name)
    return int(text)


def choice(query: QueryDict, name: str, options: Mapping[str, T], default: T) -> T:
    text = query.get(name)
    if text is None:
        return default
    return chosen_of(name, text, options)


def chosen_of(name: str, text: str, options: Mapping[str, T]) -> T:
    if text not in options:
        known = ", ".join(f"'{option}'" for option in options)
        raise errors.malformed(
            f"Invalid value: '{text}'. Supported values are: {known}.", name
        )
    return options[text]
