"""Lists in pages, as OpenAI's cursors lead through them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from gateway import errors
from gateway.admin_api.parameters import refuse_unknown, whole_number

M = TypeVar("M", bound=Model)

PAGE_ROWS, PAGE_ROWS_MAX = 20, 100


def without_nul(text: str) -> str:
    """Return a text that Postgres takes; the rest of it is no id of ours."""
    return text.replace("\0", "")


@dataclass(frozen=True, slots=True)
class Listing:
    """How rows are told: by which of their ids, and in which order they were made."""

    # The path to the public id, as queries name it.
    public_id: str = "public_id"
    is_newest_first: bool = False
    # Parameters of the list besides those of its pages.
    known: Collection[str] = ()
    # How the id is kept, where that is not as it is told; None if it cannot be one.
    kept: Callable[[str], Any] = without_nul


def page_of(
    request: HttpRequest,
    rows: QuerySet[M],
    look: Callable[[M], dict[str, Any]],
    listing: Listing = Listing(),
    *,
    once: QuerySet[M] | None = None,
) -> dict[str, Any]:
    """
    Return a page of rows, from `after` on (or before `before`), `limit` at most.

    Rows come in the order in which they were made, so that whoever follows the pages
    gets each exactly once while others are added. A cursor may name a row that is no
    longer listed, if it is still in `once`.

    :raises ApiError: (400) if a parameter is wrong.
    """
    refuse_unknown(request.GET, {"limit", "after", "before", *listing.known})
    limit = whole_number(request.GET, "limit", least=1, most=PAGE_ROWS_MAX)
    limit = limit or PAGE_ROWS
    ends = rows if once is None else once
    after = row_named(request, "after", ends, listing)
    before = row_named(request, "before", ends, listing)
    later, earlier = ("lt", "gt") if listing.is_newest_first else ("gt", "lt")
    if after is not None:
        rows = rows.filter(**{f"pk__{later}": after})
    if before is not None:
        rows = rows.filter(**{f"pk__{earlier}": before})
    # The page before a row ends with its neighbor.
    is_backwards = before is not None and after is None
    order = "-pk" if listing.is_newest_first is not is_backwards else "pk"
    found = list(rows.order_by(order)[: limit + 1])
    shown = found[:limit][::-1] if is_backwards else found[:limit]
    return as_list([look(row) for row in shown], has_more=len(found) > limit)


def row_named(
    request: HttpRequest, name: str, rows: QuerySet[M], listing: Listing
) -> int | None:
    """Return the row that a cursor names, or None if it is not given."""
    public_id = request.GET.get(name)
    if public_id is None:
        return None
    named = rows.filter(**{listing.public_id: listing.kept(public_id)})
    row: int | None = named.values_list("pk", flat=True).first()
    if row is None:
        raise errors.malformed(f"'{name}' names nothing of this list.", name)
    return row


def as_list(data: list[dict[str, Any]], *, has_more: bool = False) -> dict[str, Any]:
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": has_more,
    }


def deleted(kind: str, public_id: str) -> dict[str, Any]:
    """Return what is said of something that is gone."""
    return {"object": f"{kind}.deleted", "id": public_id, "deleted": True}


def one_of(rows: QuerySet[M], **lookups: Mapping[str, Any] | str) -> M:
    """Return the one row that an id names. Raises `ApiError` (404)."""
    row = rows.filter(**lookups).first()
    if row is None:
        raise errors.not_found()
    return row


def unix(moment: datetime | None) -> int | None:
    """Return a moment in whole Unix seconds, as OpenAI tells it."""
    return None if moment is None else int(moment.timestamp())
