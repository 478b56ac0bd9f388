"""Two operators take the same prices over at once: one of them does."""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from billing.actions import prices
from billing.actions.price_import import import_prices, review_of
from billing.actions.prices import ChangedMeanwhile
from billing.models import Price
from orgs.models import AuditEvent, User
from tests.concurrency.threads import PATIENCE_S, all_at_once

pytestmark = pytest.mark.usefixtures("committed_db")
NOW = timezone.now()
MODELS = ["gpt-4o", "gpt-4o-mini"]


def taken_over(op: User, seen: str) -> list[bool]:
    """Try it twice at once, with other dates: no unique row is in the way."""

    def attempt(seconds: int) -> bool:
        try:
            import_prices(
                keys=MODELS,
                seen=seen,
                starts=NOW + timedelta(seconds=seconds),
                acting_user=op,
                now=NOW,
            )
        except ChangedMeanwhile:
            return False
        return True

    return all_at_once([partial(attempt, 1), partial(attempt, 2)])


def test_of_two_imports_at_once_one_applies(op: User) -> None:
    seen = review_of(starts=NOW, now=NOW).mark

    assert sorted(taken_over(op, seen)) == [False, True]
    assert Price.objects.count() == len(MODELS)
    assert AuditEvent.objects.filter(action="prices.imported").count() == 1


def test_control_without_the_lock_both_apply(
    op: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = review_of(starts=NOW, now=NOW).mark
    gate = threading.Barrier(2)

    def meet() -> None:
        gate.wait(PATIENCE_S)

    monkeypatch.setattr(prices, "lock_prices", lambda: None)
    original = prices.exists

    def exists(price: Price) -> bool:
        if price.model == MODELS[0]:
            meet()
        return original(price)

    monkeypatch.setattr(prices, "exists", exists)

    assert taken_over(op, seen) == [True, True]
    assert Price.objects.count() == 2 * len(MODELS)
