"""Addresses of usage pages, and the cycles that they offer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.http import QueryDict

from core.periods import cycle_of
from orgs.access import OrgRequest
from usage.queries import cycles_with_usage


def known_cycles(request: OrgRequest, now: datetime) -> list[date]:
    return list(cycles_with_usage(request.organization, current=cycle_of(now)))


def without(request: OrgRequest, name: str, value: str) -> str:
    """Return the page's own address without one value of its query."""
    query = request.GET.copy()
    query.setlist(name, [each for each in query.getlist(name) if each != value])
    return written_address(request, query)


def address(request: OrgRequest, **changes: str | None) -> str:
    """Return the page's own address with parts of its query changed or left out."""
    query = request.GET.copy()
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
        else:
            query[name] = value
    return written_address(request, query)


def written_address(request: OrgRequest, query: QueryDict) -> str:
    return f"{request.path}?{query.urlencode()}"


def query_of(request: OrgRequest, names: Iterable[str]) -> str:
    """Return the page's own query, as far as another page takes it up."""
    query = QueryDict(mutable=True)
    for name in names:
        query.setlist(name, request.GET.getlist(name))
    return f"?{query.urlencode()}" if query.urlencode() else ""
