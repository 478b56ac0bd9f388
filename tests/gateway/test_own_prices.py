"""Gateways charge what the operator agreed with an organization."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from billing.actions.prices import add_prices
from billing.actions.usage_posting import post_usage
from billing.models import Price
from billing.verification.report import verify
from orgs.models import Organization, User
from tests import rig
from tests.gateway.conftest import House
from usage.actions import roll_up

pytestmark = pytest.mark.processes
MODEL = "gpt-4o-mini"


def charged(house: House) -> Any:
    """Ask once, and return the record."""
    before = len(house.records())
    house.client().chat.completions.create(
        model=MODEL,
        max_completion_tokens=20,
        messages=[{"role": "user", "content": "Hello"}],
    )
    rig.wait_until(lambda: len(house.records()) > before, what="nothing was booked")
    return house.records()[-1]


def test_an_own_price_is_held_and_charged_from_the_next_request_on(
    house: House,
    globex: Organization,
    furnish: Callable[[Organization], House],
    op: User,
) -> None:
    house.limit("1")
    before = charged(house)
    listed: Any = Price.objects.get(pk=before.price_id)
    own: Any = Price(
        organization=house.organization,
        model=MODEL,
        effective_from=timezone.now(),
        input_nanos=3 * listed.input_nanos,
        output_nanos=2 * listed.output_nanos,
        max_output_tokens=listed.max_output_tokens,
        context_window=listed.context_window,
    )
    add_prices(prices=[own], acting_user=op, now=own.effective_from)

    rig.wait_until(lambda: charged(house).price_id == own.pk, what="still the list's")
    record = house.records()[-1]
    assert record.cost_nanos == (
        record.input_tokens * own.input_nanos + record.output_tokens * own.output_nanos
    )
    assert record.cost_nanos <= record.held_nanos
    assert record.held_nanos > before.held_nanos
    assert charged(furnish(globex)).price_id == listed.pk
    roll_up(now=timezone.now())
    post_usage(now=timezone.now())
    # The whole of it: costs by the own price and the list's, sums, ledger, holds.
    assert [each for each in verify(sweep_interval_s=15) if not each.holds] == []
