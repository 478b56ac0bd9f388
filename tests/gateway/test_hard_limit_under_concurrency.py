"""
The provider's bill never passes the hard limit: 64 requests at once, two gateways.

The control takes the guard out and sees the limit passed.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import openai
import pytest
from django.utils import timezone

from billing.actions.price_seeding import seed_prices
from billing.price_list import load_price_book
from billing.pricing import Tokens, cost_nanos
from core.money import exact_usd
from orgs.models import Organization
from tests import rig
from tests.gateway.conftest import House, async_client_of, furnish_at

pytestmark = pytest.mark.processes

AT_ONCE = 64
MODEL = "gpt-4o-mini"
OUTPUT = 400
ADMITTED = 9
ASK = {
    "model": MODEL,
    "max_completion_tokens": OUTPUT,
    "messages": [
        {"role": "user", "content": f'{{"output": {OUTPUT}, "pause_s": 0.3}}'}
    ],
}


def true_cost(bills: list[dict[str, Any]]) -> int:
    """Return what the provider bills, in nano-dollars."""
    rates = load_price_book().find(MODEL, timezone.now())
    assert rates is not None
    return sum(
        cost_nanos(
            rates,
            Tokens(
                input=bill["usage"]["prompt_tokens"],
                output=bill["usage"]["completion_tokens"],
            ),
        )
        for bill in bills
    )


def limit_for(count: int) -> int:
    """Return a limit with room for the true cost of so many requests, in nanos."""
    rates = load_price_book().find(MODEL, timezone.now())
    assert rates is not None
    return count * cost_nanos(rates, Tokens(input=30, output=OUTPUT))


async def ask_all(urls: list[str], key: str) -> list[str]:
    """Send all requests at once, in turn to each gateway; return their outcomes."""
    clients = [async_client_of(url, key) for url in urls]

    async def ask(number: int) -> str:
        try:
            client = clients[number % len(clients)]
            await client.chat.completions.create(**ASK)  # type: ignore[call-overload]
        except openai.RateLimitError as error:
            return str(error.code)
        return "answered"

    outcomes = await asyncio.gather(*(ask(number) for number in range(AT_ONCE)))
    for client in clients:
        await client.close()
    return outcomes


@contextlib.contextmanager
def two_gateways(folder: Path, application: str) -> Any:
    with (
        rig.gateway(folder, application) as one,
        rig.gateway(folder, application) as other,
    ):
        yield [one.url, other.url]


def race(
    folder: Path, provider: rig.Provider, acme: Organization, application: str
) -> tuple[House, int, int, list[str]]:
    """Run the race; return the house, its limit, the provider's bill, the outcomes."""
    seed_prices(now=timezone.now())
    limit = limit_for(ADMITTED)
    before = len(provider.bills())
    with two_gateways(folder, application) as urls:
        house = furnish_at(acme, provider, urls[0])
        house.limit(exact_usd(limit))
        outcomes = asyncio.run(ask_all(urls, house.key))
    return house, limit, true_cost(provider.bills()[before:]), outcomes


def test_64_at_once_on_two_gateways_stay_within_the_limit(
    committed_db: None, folder: Path, provider: rig.Provider, acme: Organization
) -> None:
    house, limit, bill, outcomes = race(
        folder, provider, acme, "config.asgi:application"
    )

    assert bill <= limit
    answered = outcomes.count("answered")
    assert 0 < answered < AT_ONCE
    assert outcomes.count("organization_spend_limit_exceeded") == AT_ONCE - answered
    assert (house.budget().spent_nanos, house.budget().held_nanos) == (bill, 0)
    assert len(house.records()) == answered
    assert house.holds() == []


def test_control_without_the_guard_the_same_race_passes_the_limit(
    committed_db: None, folder: Path, provider: rig.Provider, acme: Organization
) -> None:
    _, limit, bill, _ = race(
        folder, provider, acme, "tests.gateway.unguarded:application"
    )

    assert bill > limit, "the race that the guard prevents does not even happen"


def test_small_requests_spend_the_limit_to_its_end(
    house: House, provider: rig.Provider
) -> None:
    """What is refused is refused for want of money, not for holds left behind."""
    house.limit(exact_usd(limit_for(3)))
    before = len(provider.bills())
    ask: dict[str, Any] = {
        **ASK,
        "max_completion_tokens": 20,
        "messages": [{"role": "user", "content": '{"output": 20}'}],
    }
    with contextlib.suppress(openai.RateLimitError):
        for _ in range(200):
            house.client().chat.completions.create(**ask)

    spent = house.budget().spent_nanos
    bound = 20 * 600 + 150 * 150
    assert limit_for(3) - bound < spent <= limit_for(3)
    assert spent == true_cost(provider.bills()[before:])
