"""Credit is not written off while a request of before its end may still come."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from billing import booking
from billing.actions import credit
from billing.actions.sweep import execute
from billing.booking_types import Hold
from billing.models import CreditGrant
from billing.models import Hold as HoldRow
from orgs.models import Organization
from tests.billing.books import as_batch, book, grant, held, hold_of, settling
from tests.concurrency.threads import PATIENCE_S, in_own_connection, somebody_waits
from tests.rig import wait_until

pytestmark = pytest.mark.usefixtures("committed_db")

AFTERWARDS = timedelta(days=2)


@pytest.fixture
def ending(acme: Organization) -> CreditGrant:
    """Credit that pays today, and has ended the day after tomorrow."""
    credit = grant(acme, 100, days=1)
    # Its budget row is there already.
    book(settling(held(acme, 1), 0))
    return credit


def written_off_meanwhile(hold: Hold) -> int:
    """Hold money, and write off before that is committed; return how many were."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            booking.run(as_batch([hold]), execute)
            other = pool.submit(in_own_connection, write_off_later)
            wait_until(lambda: other.done() or somebody_waits())
        return other.result(PATIENCE_S)


def write_off_later() -> int:
    return credit.write_off_ended_credit(now=timezone.now() + AFTERWARDS)


def test_a_hold_that_is_being_written_keeps_the_credit(
    acme: Organization, ending: CreditGrant
) -> None:
    hold = hold_of(acme, 60)

    assert written_off_meanwhile(hold) == 0

    book(settling(hold, 50))
    assert write_off_later() == 1
    ending.refresh_from_db()
    assert (ending.consumed_nanos, ending.written_off_nanos) == (50, 50)


def test_control_without_locks_the_hold_is_overlooked(
    acme: Organization, ending: CreditGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unlocked(found: CreditGrant, **_options: object) -> bool:
        holds = HoldRow.objects.filter(organization=found.organization_id)
        return not holds.exists()

    monkeypatch.setattr(credit, "write_off", unlocked)

    assert written_off_meanwhile(hold_of(acme, 60)) == 1
