"""Usage records lie in monthly partitions, made ahead of time."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, connection

from orgs.models import Organization
from tests.usage_factories import add_record
from usage.models import UsageRecord
from usage.partitions import ensure_coming_partitions, ensure_partitions, exists

FAR = datetime(2031, 3, 9, 4, 5, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def rows_in(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])


def test_this_month_and_the_next_two_are_made() -> None:
    ensure_coming_partitions(now=FAR)
    names = ["2031_03", "2031_04", "2031_05"]
    assert all(exists(f"usage_usagerecord_{name}") for name in names)
    assert not exists("usage_usagerecord_2031_06")


def test_making_them_again_changes_nothing() -> None:
    for _ in range(2):
        ensure_partitions(first=date(2031, 3, 9), last=date(2031, 3, 9))
    assert exists("usage_usagerecord_2031_03")


def test_a_record_lies_in_its_month(acme: Organization) -> None:
    ensure_partitions(first=FAR.date(), last=FAR.date())
    add_record(acme, at=FAR, cost_nanos=1)
    assert rows_in("usage_usagerecord_2031_03") == 1


def test_records_caught_by_the_default_move_to_their_month(acme: Organization) -> None:
    there = add_record(acme, at=FAR, cost_nanos=7)
    elsewhere = add_record(acme, at=FAR.replace(month=8), cost_nanos=8)
    assert rows_in("usage_usagerecord_default") == 2

    ensure_partitions(first=FAR.date(), last=FAR.date())

    assert rows_in("usage_usagerecord_2031_03") == 1
    assert rows_in("usage_usagerecord_default") == 1
    moved = UsageRecord.objects.in_bulk([there.event_id, elsewhere.event_id])
    assert moved[there.event_id].sequence == there.sequence
    assert moved[elsewhere.event_id].booked_at == elsewhere.booked_at


def test_after_a_move_new_records_still_find_a_place(acme: Organization) -> None:
    add_record(acme, at=FAR, cost_nanos=7)
    ensure_partitions(first=FAR.date(), last=FAR.date())
    later = add_record(acme, at=FAR, cost_nanos=7)
    assert later.sequence == UsageRecord.objects.order_by("sequence")[1].sequence
    add_record(acme, at=FAR.replace(year=2040), cost_nanos=7)
    assert rows_in("usage_usagerecord_default") == 1


@pytest.mark.parametrize("statement", ["DELETE FROM", "TRUNCATE"])
@pytest.mark.parametrize("caught", [False, True])
def test_a_partition_refuses_changes_by_its_own_name(
    acme: Organization, statement: str, caught: bool
) -> None:
    if caught:
        add_record(acme, at=FAR, cost_nanos=7)
    ensure_partitions(first=FAR.date(), last=FAR.date())
    with pytest.raises(IntegrityError, match="append-only"), connection.cursor() as c:
        c.execute(f"{statement} usage_usagerecord_2031_03")
