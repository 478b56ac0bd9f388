"""The monthly partitions of the usage records."""

from __future__ import annotations

from datetime import date, datetime

from django.db import connection, transaction

from core.periods import Interval, cycle_interval, cycle_of, next_cycle

# A partition is made ahead of its month, so that no record waits for it.
MONTHS_AHEAD = 2
# Making one waits for whoever reads the records, and everyone else waits behind it.
LOCK_TIMEOUT = "5s"

ATTACH = """
CREATE TABLE {name} (LIKE usage_usagerecord INCLUDING ALL);
ALTER TABLE usage_usagerecord ATTACH PARTITION {name}
    FOR VALUES FROM ('{start}') TO ('{end}');
"""
# No row is updated or deleted, so that the refusal of changes stays in force: the
# default partition is taken off, its rows are inserted anew, the old table is dropped.
SPLIT_DEFAULT = """
LOCK TABLE usage_usagerecord IN ACCESS EXCLUSIVE MODE;
ALTER TABLE usage_usagerecord DETACH PARTITION usage_usagerecord_default;
ALTER TABLE usage_usagerecord_default RENAME TO usage_usagerecord_emptied;
CREATE TABLE {name} PARTITION OF usage_usagerecord
    FOR VALUES FROM ('{start}') TO ('{end}');
CREATE TABLE usage_usagerecord_default PARTITION OF usage_usagerecord DEFAULT;
INSERT INTO usage_usagerecord ({columns})
    SELECT {columns} FROM usage_usagerecord_emptied;
DROP TABLE usage_usagerecord_emptied;
"""
# A statement that names a partition does not fire the triggers of the whole table.
REFUSE_CHANGE = """
CREATE TRIGGER usage_record_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON {name} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


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
            with transaction.atomic():
                make_partition(month)
        month = next_cycle(month)


def make_partition(month: date) -> None:
    name, interval = partition_name(month), cycle_interval(month)
    words = {"name": name, "start": interval.start, "end": interval.end}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('usage_partitions'))")
        if exists(name):
            return
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        if default_holds(interval):
            # In the order of those who insert and aggregate: this lock, then the table.
            cursor.execute(
                "SELECT pg_advisory_xact_lock_shared(hashtext('usage_record_booking'))"
            )
            cursor.execute(SPLIT_DEFAULT.format(columns=columns(), **words))
            cursor.execute(REFUSE_CHANGE.format(name="usage_usagerecord_default"))
        else:
            cursor.execute(ATTACH.format(**words))
        cursor.execute(REFUSE_CHANGE.format(name=name))
        cursor.execute("SET LOCAL lock_timeout = DEFAULT")


def partition_name(month: date) -> str:
    return f"usage_usagerecord_{month:%Y_%m}"


def exists(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table])
        return bool(cursor.fetchone()[0])


def default_holds(interval: Interval) -> bool:
    """Return whether the default partition caught records of the interval."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM usage_usagerecord_default "
            "WHERE occurred_at >= %s AND occurred_at < %s)",
            [interval.start, interval.end],
        )
        return bool(cursor.fetchone()[0])


def columns() -> str:
    """Return the columns of a usage record, for SQL."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) "
            "FROM pg_attribute WHERE attrelid = 'usage_usagerecord'::regclass "
            "AND attnum > 0 AND NOT attisdropped"
        )
        return str(cursor.fetchone()[0])
