"""
The bill of one key never passes its limit: 64 requests at once, two gateways.

The organization's own limit is far away. The control takes the guard out.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from django.utils import timezone

from billing.actions.price_seeding import seed_prices
from billing.actions.scope_limits import set_key_limit
from billing.scope_models import ScopeBudget
from core.money import exact_usd
from keys.models import ApiKey
from orgs.models import Organization
from tests import rig
from tests.gateway.conftest import House, furnish_at
from tests.gateway.test_hard_limit_under_concurrency import (
    ADMITTED,
    AT_ONCE,
    ask_all,
    limit_for,
    true_cost,
    two_gateways,
)

pytestmark = pytest.mark.processes


def race(
    folder: Path, provider: rig.Provider, acme: Organization, application: str
) -> tuple[House, int, int, list[str]]:
    """Run the race; return the house, the key's limit, its bill, the outcomes."""
    seed_prices(now=timezone.now())
    limit = limit_for(ADMITTED)
    before = len(provider.bills())
    with two_gateways(folder, application) as urls:
        house = furnish_at(acme, provider, urls[0])
        house.limit(exact_usd(1000 * limit))
        set_key_limit(
            organization=acme,
            api_key=ApiKey.objects.get(),
            amount_nanos=limit,
            acting_user=None,
            now=timezone.now(),
        )
        outcomes = asyncio.run(ask_all(urls, house.key))
    return house, limit, true_cost(provider.bills()[before:]), outcomes


def test_64_at_once_with_one_key_stay_within_its_limit(
    committed_db: None, folder: Path, provider: rig.Provider, acme: Organization
) -> None:
    house, limit, bill, outcomes = race(
        folder, provider, acme, "config.asgi:application"
    )

    assert bill <= limit
    answered = outcomes.count("answered")
    assert 0 < answered < AT_ONCE
    assert outcomes.count("key_spend_limit_exceeded") == AT_ONCE - answered
    part = ScopeBudget.objects.get(scope="key")
    assert (part.spent_nanos, part.held_nanos) == (bill, 0)
    assert house.budget().spent_nanos == bill


def test_control_without_the_guard_the_same_race_passes_the_keys_limit(
    committed_db: None, folder: Path, provider: rig.Provider, acme: Organization
) -> None:
    _, limit, bill, _ = race(
        folder, provider, acme, "tests.gateway.unguarded:application"
    )

    assert bill > limit, "the race that the guard prevents does not even happen"
