"""Keep the rollups and keys' last uses: add what was booked, or make sums anew."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction

from core.periods import Interval
from usage.models import (
    RefusedMinute,
    RefusedRequest,
    RollupWatermark,
    TimingHour,
    UsageHour,
)
from usage.rollups import NOTE_KEY_USES, add_hours, add_timings

BATCH_MAX = 200_000
FORGOTTEN_MAX = 10_000
# Bookings wait behind us while we wait for a slow one; then it is not our turn yet.
BOOKING_LOCK_TIMEOUT = "500ms"

BOOKED = "sequence > %s AND sequence <= %s"
OF_INTERVAL = "sequence <= %s AND occurred_at >= %s AND occurred_at < %s"


def roll_up(*, now: datetime, batch_max: int = BATCH_MAX) -> int:
    """
    Add every record booked so far to the rollups, and return how many there were.

    Each batch is a transaction that moves the watermark with the sums: repeating
    adds nothing, and of two runs at once one leaves the work to the other. `now` is
    an instant before the call: from then on, what was booked is in the rollups.

    :raises OperationalError: if a booking takes very long; nothing is added then.
    """
    end = booked_up_to()
    added = 0
    while True:
        batch = roll_up_batch(end=end, now=now, batch_max=batch_max)
        if batch is None:
            return added
        records, is_last = batch
        added += records
        if is_last:
            return added


def booked_up_to() -> int:
    """
    Return a sequence number below which every record is committed or never will be.

    Whoever inserts holds the lock shared from before it takes a number until it
    commits; to hold it alone for a moment is to have waited for all of them.

    :raises OperationalError: if somebody takes very long; try again later.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{BOOKING_LOCK_TIMEOUT}'")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('usage_record_booking'))")
        cursor.execute("SELECT coalesce(max(sequence), 0) FROM usage_usagerecord")
        (sequence,) = cursor.fetchone()
        cursor.execute("SET LOCAL lock_timeout = DEFAULT")
        return int(sequence)


def roll_up_batch(
    *, end: int, now: datetime, batch_max: int
) -> tuple[int, bool] | None:
    """
    Add at most `batch_max` records.

    Returns how many, and whether that was all up to `end`; None if another run is
    at it.
    """
    with transaction.atomic():
        watermark = RollupWatermark.objects.select_for_update(skip_locked=True).first()
        if watermark is None:
            return None
        start = watermark.sequence
        stop = min(end, start + batch_max)
        records = add_booked(start, stop) if stop > start else 0
        watermark.sequence = max(start, stop)
        timed = watermark.timed_sequence
        watermark.timed_sequence = add_booked_timings(timed, end, batch_max)
        is_last = stop == end or start >= end
        if is_last:
            watermark.as_of = max(watermark.as_of, now)
        watermark.save(update_fields=["sequence", "timed_sequence", "as_of"])
    return records, is_last


def add_booked(start: int, stop: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(add_hours(BOOKED), [start, stop])
        cursor.execute(NOTE_KEY_USES, [start, stop])
        cursor.execute(
            "SELECT count(*) FROM usage_usagerecord "
            "WHERE sequence > %s AND sequence <= %s",
            [start, stop],
        )
        return int(cursor.fetchone()[0])


def add_booked_timings(start: int, end: int, batch_max: int) -> int:
    """Add a batch of timings, and return up to which place in the booking order."""
    stop = min(end, start + batch_max)
    if stop <= start:
        return start
    with connection.cursor() as cursor:
        cursor.execute(add_timings(BOOKED), [start, stop])
    return stop


def rebuild_hours(*, interval: Interval) -> int:
    """
    Make the rollups of whole hours anew from their records; return how many rows.

    Sums and timings both; the rows are those of the sums.

    For repair. Runs alone with the watermark's row, so that `roll_up` waits.
    """
    assert is_whole_hour(interval.start), interval
    assert is_whole_hour(interval.end), interval
    with transaction.atomic(), connection.cursor() as cursor:
        watermark = RollupWatermark.objects.select_for_update().get()
        hours = {"hour__gte": interval.start, "hour__lt": interval.end}
        UsageHour.objects.filter(**hours).delete()
        TimingHour.objects.filter(**hours).delete()
        instants = [interval.start, interval.end]
        timed = watermark.timed_sequence
        cursor.execute(add_timings(OF_INTERVAL), [timed, *instants])
        cursor.execute(add_hours(OF_INTERVAL), [watermark.sequence, *instants])
        return int(cursor.rowcount)


def is_whole_hour(instant: datetime) -> bool:
    return instant.replace(minute=0, second=0, microsecond=0) == instant


def forget_refusals(
    *, kept: timedelta, now: datetime, batch_max: int = FORGOTTEN_MAX
) -> int:
    """
    Delete some refusals older than `kept`; return how many rows.

    Safe to repeat and to run twice at once.
    """
    before = now - kept
    requests = RefusedRequest.objects.filter(occurred_at__lt=before)
    old = [each.pk for each in requests.order_by("event_id")[:batch_max]]
    deleted = RefusedRequest.objects.filter(pk__in=old).delete()
    minutes = RefusedMinute.objects.filter(minute__lt=before).order_by("pk")
    over = [each.pk for each in minutes[:batch_max]]
    return deleted[0] + RefusedMinute.objects.filter(pk__in=over).delete()[0]
