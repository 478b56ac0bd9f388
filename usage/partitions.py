"""The monthly partitions of the usage records."""

from __future__ import annotations

from datetime import date, datetime

from django.db import connection

from core.periods import cycle_of, next_cycle

# A partition is made ahead of its month, so that no record waits for it.
MONTHS_AHEAD = 2


def ensure_coming_partitions(*, now: datetime) -> None:
    """Make the partitions of this month and of the next ones."""
    first = last = cycle_of(now)
    for _ in range(MONTHS_AHEAD):
        last = next_cycle(last)
    ensure_partitions(first=first, last=last)


def ensure_partitions(*, first: date, last: date) -> None:
    """
    Make the partition of each month from `first`'s to `last`'s that has none.

    Rows of the month that the default partition caught move there. Safe to repeat
    and to run twice at once; records may be inserted meanwhile.
    """
    month = first.replace(day=1)
    while month <= last:
        if not exists(partition_name(month)):
            make_partition(month)
        month = next_cycle(month)


def make_partition(month: date) -> None:
    """Have the owner of the tables make it: see migrations/0010."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT make_usage_partition(%s::date)", [month])


def partition_name(month: date) -> str:
    return f"usage_usagerecord_{month:%Y_%m}"


def exists(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table])
        return bool(cursor.fetchone()[0])


def months_made(*, now: datetime) -> int:
    """
    Return for how many months in a row there is a partition, this one included.

    0: what is booked now goes to the default partition. At most `MONTHS_AHEAD` + 1.
    """
    month, made = cycle_of(now), 0
    while made <= MONTHS_AHEAD and exists(partition_name(month)):
        month, made = next_cycle(month), made + 1
    return made
