"""What a decision on a quota request comes to, and what to ask for. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from core.money import LARGEST_AMOUNT_NANOS, NANOS_PER_DOLLAR
from core.periods import start_of_day

# So many days without a decision, and a request ends by itself.
DAYS_PENDING_MAX = 30
# A raise that shall last longer is one for good.
DAYS_RAISED_MAX = 366
ANNOUNCED_BEFORE = timedelta(days=2)


def grants_all(
    *,
    requested_nanos: int,
    requested_until: date | None,
    granted_nanos: int,
    granted_until: date | None,
) -> bool:
    """Say whether a grant is all that was asked for: as much, for as long."""
    is_long_enough = granted_until is None or (
        requested_until is not None and granted_until >= requested_until
    )
    return granted_nanos >= requested_nanos and is_long_enough


def end_of(until: date) -> datetime:
    """Return when a raise until a day ends: with that day, in UTC."""
    return start_of_day(until + timedelta(days=1))


def suggested_nanos(limit_nanos: int, bound_nanos: int | None = None) -> int:
    """
    Return what to ask for: twice the limit, or what a request needs if that is more.

    Whole dollars, no more than may be entered.
    """
    wanted = max(2 * limit_nanos, limit_nanos + (bound_nanos or 0), NANOS_PER_DOLLAR)
    dollars = -(-wanted // NANOS_PER_DOLLAR)
    return min(dollars * NANOS_PER_DOLLAR, LARGEST_AMOUNT_NANOS)
