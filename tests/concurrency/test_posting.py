"""However many post usage at once, each record is in the ledger once."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import transaction
from django.db.models import Sum

from billing.actions.posting import post_adjustment
from billing.actions.usage_posting import post_batch, post_range, post_usage
from billing.ledger_models import LedgerAccount, LedgerTransaction, PostingWatermark
from billing.verification.ledger import balances_are_sums, ledger_equals_records
from orgs.models import Organization
from tests.concurrency.threads import PATIENCE_S, all_at_once, meanwhile
from tests.factories import NOW
from tests.usage_factories import add_record
from usage.actions import roll_up

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def records(acme: Organization, globex: Organization) -> int:
    """Some usage of two organizations; return how much of it."""
    for nanos in range(1, 9):
        add_record((acme, globex)[nanos % 2], at=NOW, cost_nanos=nanos)
    roll_up(now=NOW)
    return sum(range(1, 9))


def posted_nanos() -> int:
    usage = LedgerAccount.objects.filter(kind="usage")
    return -int(usage.aggregate(sum=Sum("balance_nanos", default=0))["sum"])


def test_many_at_once_post_each_record_once(records: int) -> None:
    all_at_once([partial(post_usage, now=NOW, batch_max=3) for _ in range(4)])
    post_usage(now=NOW)

    assert posted_nanos() == records
    assert balances_are_sums().holds
    assert ledger_equals_records().holds


def test_control_without_the_watermarks_lock_records_are_posted_twice(
    records: int,
) -> None:
    all_at_once([partial(post_range, 0, stop, now=NOW) for stop in (4, 8)])
    assert posted_nanos() > records


def test_a_second_poster_leaves_the_work_to_the_first(records: int) -> None:
    PostingWatermark.objects.create(pk=1)
    with transaction.atomic():
        PostingWatermark.objects.select_for_update().get()
        with meanwhile(partial(post_batch, now=NOW, batch_max=9)) as other:
            assert other.result(PATIENCE_S) is None
    assert posted_nanos() == 0


def test_one_fact_posted_by_many_is_posted_once(acme: Organization) -> None:
    post = partial(post_adjustment, acme, 7, source="adjustment:1", memo="", now=NOW)
    results = all_at_once([post for _ in range(6)])

    assert sorted(len(found) for found in results) == [0, 0, 0, 0, 0, 1]
    assert LedgerTransaction.objects.count() == 1
    assert balances_are_sums().holds
