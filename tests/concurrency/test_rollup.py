"""No record is missed or added twice, however bookings and roll-ups overlap."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import Sum

from orgs.models import Organization
from tests.concurrency.threads import PATIENCE_S, all_at_once, meanwhile
from tests.factories import NOW
from tests.usage_factories import add_record
from usage import actions
from usage.actions import roll_up
from usage.models import RollupWatermark, UsageHour, UsageRecord

pytestmark = pytest.mark.usefixtures("committed_db")


def rolled_up_nanos() -> int:
    return UsageHour.objects.aggregate(total=Sum("cost_nanos"))["total"] or 0


def highest_number_seen() -> int:
    """Stand in for `booked_up_to` in the control: do not wait for anybody."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(sequence), 0) FROM usage_usagerecord")
        return int(cursor.fetchone()[0])


class SlowBooking:
    """A booking that has taken its number and does not commit yet."""

    def __init__(self, organization: Organization) -> None:
        self.organization = organization
        self.has_number = threading.Event()
        self.may_commit = threading.Event()

    def __call__(self) -> None:
        with transaction.atomic():
            add_record(self.organization, at=NOW, cost_nanos=1)
            self.has_number.set()
            assert self.may_commit.wait(PATIENCE_S)


def test_a_booking_that_commits_late_is_not_missed(acme: Organization) -> None:
    slow = SlowBooking(acme)
    with meanwhile(slow):
        assert slow.has_number.wait(PATIENCE_S)
        add_record(acme, at=NOW, cost_nanos=10)
        with meanwhile(partial(roll_up, now=NOW)) as rolling:
            with pytest.raises(TimeoutError):
                rolling.result(timeout=0.1)
            slow.may_commit.set()
    roll_up(now=NOW)
    assert rolled_up_nanos() == 11


def test_a_booking_that_takes_very_long_holds_up_nobody(acme: Organization) -> None:
    slow = SlowBooking(acme)
    with meanwhile(slow):
        assert slow.has_number.wait(PATIENCE_S)
        with pytest.raises(OperationalError, match="lock timeout"):
            roll_up(now=NOW)
        slow.may_commit.set()
    assert rolled_up_nanos() == 0
    assert roll_up(now=NOW) == 1


def test_control_without_the_wait_it_is_missed_for_good(
    acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "booked_up_to", highest_number_seen)
    slow = SlowBooking(acme)
    with meanwhile(slow):
        assert slow.has_number.wait(PATIENCE_S)
        add_record(acme, at=NOW, cost_nanos=10)
        roll_up(now=NOW)
        slow.may_commit.set()
    roll_up(now=NOW)
    assert rolled_up_nanos() == 10


def test_many_bookings_and_roll_ups_at_once_come_to_the_same_sum(
    acme: Organization,
) -> None:
    def book() -> None:
        for _ in range(20):
            add_record(acme, at=NOW, cost_nanos=1)

    def aggregate() -> None:
        for _ in range(10):
            with suppress(OperationalError):  # a busy machine: another turn will do
                roll_up(now=NOW, batch_max=7)

    all_at_once([book, aggregate, book, aggregate, book, aggregate])
    roll_up(now=NOW)
    assert rolled_up_nanos() == 60
    assert UsageRecord.objects.count() == 60


def test_a_second_run_leaves_the_work_to_the_first(acme: Organization) -> None:
    add_record(acme, at=NOW, cost_nanos=5)
    with transaction.atomic():
        RollupWatermark.objects.select_for_update().get()
        with meanwhile(partial(roll_up, now=NOW)) as other:
            assert other.result(PATIENCE_S) == 0
    assert rolled_up_nanos() == 0
    assert roll_up(now=NOW) == 1


def test_control_without_the_row_lock_records_are_added_twice(
    acme: Organization,
) -> None:
    add_record(acme, at=NOW, cost_nanos=5)
    start, stop = 0, actions.booked_up_to()
    all_at_once([partial(actions.add_booked, start, stop) for _ in range(2)])
    assert rolled_up_nanos() == 10
