"""Pages of buckets: which a request asks for, and where the next page begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import QueryDict

from core.periods import Interval
from gateway import errors
from gateway.admin_api import parameters
from usage.buckets import DAY, HOUR, floor

CURSOR = "page_"
WIDTHS = {"1h": HOUR, "1d": DAY}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many buckets of a width there are on a page, unless told; and at most."""

    usual: int
    most: int


# As OpenAI's reference of the usage API says.
USAGE_SIZES = {HOUR: Sizes(24, 168), DAY: Sizes(7, 31)}
# Costs by hour are ours alone. A month of them fits one page.
COST_SIZES = {HOUR: Sizes(24, 744), DAY: Sizes(7, 180)}


@dataclass(frozen=True, slots=True)
class PageOfTime:
    """Whole buckets; `next_start` is where the next page begins, if there is one."""

    interval: Interval
    width: timedelta
    next_start: datetime | None

    def document(self, buckets: list[Any]) -> dict[str, Any]:
        """Return the envelope of OpenAI's pages."""
        at = self.next_start
        return {
            "object": "page",
            "data": buckets,
            "has_more": at is not None,
            "next_page": None if at is None else f"{CURSOR}{int(at.timestamp())}",
        }


def page_of_time(
    query: QueryDict, sizes: Mapping[timedelta, Sizes], *, now: datetime
) -> PageOfTime:
    """
    Return the page that an address asks for. Raises `ApiError` (400).

    Buckets are whole hours or days in UTC: the first is the one that `start_time` lies
    in, the last the one before `end_time` (now, if that is not given).
    """
    width = parameters.choice(query, "bucket_width", WIDTHS, DAY)
    start = parameters.required_instant(query, "start_time")
    end = parameters.instant(query, "end_time") or now
    if end <= start:
        message = "'end_time' must be later than 'start_time'."
        raise errors.malformed(message, "end_time")
    most = sizes[width].most
    limit = parameters.whole_number(query, "limit", least=1, most=most)
    start = floor(cursor(query) or start, width)
    stop = start + (limit or sizes[width].usual) * width
    is_last = stop >= end
    return PageOfTime(
        Interval(start, end if is_last else stop), width, None if is_last else stop
    )


def cursor(query: QueryDict) -> datetime | None:
    """Return where a page begins, as the page before it said."""
    text = query.get("page")
    if text is None:
        return None
    seconds = text.removeprefix(CURSOR)
    if not (text.startswith(CURSOR) and seconds.isascii() and seconds.isdigit()):
        raise errors.malformed("'page' is no cursor of an earlier answer.", "page")
    if int(seconds[:16]) > parameters.LATEST_S:
        raise errors.malformed("'page' is no cursor of an earlier answer.", "page")
    return datetime.fromtimestamp(int(seconds), UTC)
