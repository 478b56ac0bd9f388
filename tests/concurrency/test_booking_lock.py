"""Two bookings at once cannot both take the last dollar: the budget's lock sees to it.

The controls take the lock out, and see both stand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import transaction

from billing import booking, booking_single, booking_sql
from billing.actions.scope_limits import set_key_limit
from billing.actions.sweep import execute
from billing.booking_single import book_one
from billing.booking_types import Hold
from billing.models import BillingProfile
from keys.models import ApiKey
from orgs.models import Organization, User
from tests.billing.books import as_batch, book, hold_of, limit, parts
from tests.concurrency.threads import PATIENCE_S, in_own_connection, somebody_waits
from tests.factories import NOW
from tests.rig import wait_until
from tests.usage_factories import make_key

pytestmark = pytest.mark.usefixtures("committed_db")
LIMIT = 100
Way = Callable[[Sequence[Hold]], booking.Steps]
WAYS: dict[str, Way] = {
    "alone": lambda holds: book_one(holds[0]),
    "in a batch": as_batch,
}


@pytest.fixture
def laptop(acme: Organization, ada: User) -> ApiKey:
    """Ada's key, in an organization whose budget row is there already."""
    BillingProfile.objects.create(organization=acme, legal_name="Acme Inc")
    key = make_key("laptop", user=ada)
    book(hold_of(acme, 1, api_key_id=key.pk))
    return key


def overlapping(first: Hold, second: Hold, way: Way) -> list[Hold]:
    """
    Book two holds, the second while the first has read and not committed.

    Returns those that stand.
    """
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            steps = way([first])
            step = next(steps)
            rows = [execute(statement) for statement in step.statements]
            other = pool.submit(in_own_connection, lambda: book_by(second, way))
            wait_until(lambda: other.done() or somebody_waits())
            refused = booked_after(steps, rows)
        refused |= other.result(PATIENCE_S)
    return [hold for hold in (first, second) if hold.event_id not in refused]


def booked_after(steps: booking.Steps, rows: list[booking.Rows]) -> set[object]:
    """Send a step's rows and go on to the end; return whose holds are refused."""
    try:
        step = steps.send(rows)
        while True:
            step = steps.send([execute(each) for each in step.statements])
    except StopIteration as stop:
        return set(stop.value.refusals)


def book_by(hold: Hold, way: Way) -> set[object]:
    with transaction.atomic():
        return set(booking.run(way([hold]), execute).refusals)


def two_that_fit_alone(acme: Organization, key: ApiKey) -> tuple[Hold, Hold]:
    first, second = (hold_of(acme, 60, api_key_id=key.pk) for _ in range(2))
    return first, second


def limit_key(acme: Organization, key: ApiKey) -> None:
    set_key_limit(
        organization=acme,
        api_key=key,
        amount_nanos=LIMIT,
        acting_user=None,
        now=NOW,
    )


def unlock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the lock of budgets out of both ways to book."""
    for module, name, clause in (
        (booking_single, "LOCK_BUDGET", "FOR UPDATE"),
        (booking_sql, "LOCK_BUDGETS", "FOR UPDATE OF budget"),
    ):
        text = getattr(module, name)
        assert clause in text
        monkeypatch.setattr(module, name, text.replace(clause, ""))


@pytest.mark.parametrize("way", WAYS)
def test_two_at_once_do_not_pass_the_limit_of_their_key(
    acme: Organization, laptop: ApiKey, way: str
) -> None:
    limit_key(acme, laptop)

    assert len(overlapping(*two_that_fit_alone(acme, laptop), WAYS[way])) == 1
    assert parts(acme) == {("key", laptop.pk): (0, 61)}


@pytest.mark.parametrize("way", WAYS)
def test_two_at_once_do_not_pass_the_hard_limit(
    acme: Organization, laptop: ApiKey, way: str
) -> None:
    limit(acme, LIMIT)

    assert len(overlapping(*two_that_fit_alone(acme, laptop), WAYS[way])) == 1


@pytest.mark.parametrize("way", WAYS)
def test_control_without_the_lock_both_pass_the_limit_of_their_key(
    acme: Organization, laptop: ApiKey, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alone too: one statement sees limits and parts as they were when it began."""
    unlock(monkeypatch)
    limit_key(acme, laptop)

    assert len(overlapping(*two_that_fit_alone(acme, laptop), WAYS[way])) == 2
    assert parts(acme) == {("key", laptop.pk): (0, 121)}


def test_control_without_the_lock_both_pass_the_hard_limit(
    acme: Organization, laptop: ApiKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlock(monkeypatch)
    limit(acme, LIMIT)

    both = overlapping(*two_that_fit_alone(acme, laptop), WAYS["in a batch"])
    assert len(both) == 2
