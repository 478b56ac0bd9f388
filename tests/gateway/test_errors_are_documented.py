"""docs/errors.md lists every refusal of the gateway, and no other."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from billing.limits import REFUSAL_CODES, Binding, Refusal
from gateway import errors
from gateway.errors import ApiError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"
# Status, type and code.
Row = tuple[int, str, str | None]
# These make others' errors and none of their own.
HELPERS = {"conflict", "rate_limited", "server_error"}
SAMPLES: dict[str, Any] = {
    "allowed": "POST",
    "body_max_bytes": 1,
    "event_id": uuid.UUID(int=7),
    "cycle_start": date(2026, 11, 1),
}


def factories() -> Iterator[Callable[..., ApiError]]:
    """Yield every function of gateway.errors that makes a refusal."""
    for name, function in inspect.getmembers(errors, inspect.isfunction):
        made = get_type_hints(function).get("return")
        if made is ApiError and name not in HELPERS:
            yield function


def made_by(factory: Callable[..., ApiError]) -> Iterator[ApiError]:
    """Yield what a factory makes: one refusal, or one for each limit."""
    names = inspect.signature(factory).parameters
    arguments = {name: SAMPLES.get(name, "text") for name in names}
    if "refusal" not in names:
        yield factory(**arguments)
        return
    for binding in Binding:
        refusal = Refusal(binding, 100, 60, 30, bound_nanos=20, left_nanos=10)
        yield factory(**arguments | {"refusal": refusal})


def made() -> set[Row]:
    return {
        (error.status, error.type, error.code)
        for factory in factories()
        for error in made_by(factory)
    }


def documented() -> set[Row]:
    """Read the rows of the page's first table."""
    table = PAGE.read_text().partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines() if "|" in line]
    return {row_of([cell.strip() for cell in row]) for row in rows[2:]}


def row_of(cells: list[str]) -> Row:
    _, status, kind, code, _ = cells
    return int(status), kind.strip("`"), None if code == "null" else code.strip("`")


def test_every_refusal_is_documented() -> None:
    assert made() - documented() == set()


def test_every_documented_refusal_exists() -> None:
    assert documented() - made() == set()


def test_every_limit_has_a_code_and_a_name() -> None:
    assert set(REFUSAL_CODES) == set(errors.QUOTA_NAMES) == set(Binding)


@pytest.mark.parametrize("key", ["limit_usd", "spent_usd", "held_usd", "resets_at"])
def test_the_fields_of_a_quota_refusal_are_documented(key: str) -> None:
    assert f"`{key}`" in PAGE.read_text()
