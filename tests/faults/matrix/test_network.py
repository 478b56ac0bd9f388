"""Bad links between a gateway and Postgres, Redis and the provider."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from billing.models import GatewayProcess
from tests import rig
from tests.faults.matrix.conftest import (
    Links,
    ask,
    ask_soon,
    bills_of,
    wait_for,
)
from tests.faults.network import Weather
from tests.faults.points import DISPATCH, HOLD_ROW, RECORD_ROW
from tests.gateway.conftest import House, service_key
from tests.gateway.test_hard_limit_under_concurrency import true_cost

pytestmark = pytest.mark.processes

SLOW = {
    "latency": Weather(latency_s=0.05),
    "drip": Weather(drip_s=0.002),
}


def assert_estimated(house: House) -> None:
    """What was dispatched and not answered is charged at its bound, once."""
    rig.wait_until(lambda: len(house.records()) == 1, what="it is not settled")
    (record,) = house.records()
    assert (record.kind, record.cost_nanos) == ("estimated", record.held_nanos)
    assert (house.budget().spent_nanos, house.holds()) == (record.cost_nanos, [])


def assert_exact(house: House, bills: list[dict[str, object]]) -> None:
    rig.wait_until(lambda: house.holds() == [], what="holds are left")
    assert [record.kind for record in house.records()] == ["actual"] * len(bills)
    assert house.budget().spent_nanos == true_cost(bills)


@pytest.mark.parametrize("link", ["postgres", "provider"])
@pytest.mark.parametrize("weather", SLOW)
def test_a_slow_link_changes_no_amount(
    house: House, links: Links, provider: rig.Provider, link: str, weather: str
) -> None:
    with (
        getattr(links, link).suffers(SLOW[weather]),
        bills_of(provider) as bills,
    ):
        assert ask(house, stream=True).status == 200

    assert_exact(house, bills)


def test_a_provider_that_refuses_connections_costs_nothing(
    house: House, links: Links, provider: rig.Provider
) -> None:
    with links.provider.refuses(), bills_of(provider) as bills:
        assert ask(house).status == 502
        rig.wait_until(lambda: house.holds() == [], what="the hold stays")

    assert (bills, house.records(), house.budget().spent_nanos) == ([], [], 0)


def test_an_answer_that_vanishes_on_its_way_is_charged_at_the_bound(
    house: House, links: Links, provider: rig.Provider
) -> None:
    with links.provider.suffers(Weather(is_black_hole=True)):
        assert ask(house).status == 504
    assert_estimated(house)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_an_answer_that_is_cut_short_is_charged_at_the_bound(
    house: House, links: Links, streamed: bool
) -> None:
    with links.provider.suffers(Weather(breaks_after=250)):
        answer = ask(house, stream=streamed)
    assert b"upstream_" in answer.body
    assert_estimated(house)


@pytest.mark.parametrize("moment", [None, 0], ids=["request", "answer"])
def test_a_reset_connection_to_the_provider_is_charged_at_the_bound(
    house: House, links: Links, asking: ThreadPoolExecutor, moment: int | None
) -> None:
    trap = links.provider.set_trap(DISPATCH, answers=moment)
    asked = ask_soon(asking, house)
    wait_for(trap)
    trap.drop()

    assert asked.result().status == 502
    assert_estimated(house)


@pytest.mark.parametrize("moment", [None, 0], ids=["message", "answer"])
def test_a_hold_whose_connection_breaks_is_refused_and_given_back(
    house: House,
    links: Links,
    provider: rig.Provider,
    asking: ThreadPoolExecutor,
    moment: int | None,
) -> None:
    trap = links.postgres.set_trap(HOLD_ROW, answers=moment)
    with bills_of(provider) as bills:
        asked = ask_soon(asking, house)
        wait_for(trap)
        trap.drop()
        assert asked.result().summary == (503, "server_error", "budget_unavailable")
        rig.wait_until(lambda: house.holds() == [], what="the hold stays")

    assert (bills, house.records()) == ([], [])
    assert (house.budget().spent_nanos, house.budget().held_nanos) == (0, 0)


@pytest.mark.parametrize("moment", [None, 0], ids=["message", "answer"])
def test_a_settlement_whose_connection_breaks_is_booked_once(
    house: House,
    links: Links,
    provider: rig.Provider,
    asking: ThreadPoolExecutor,
    moment: int | None,
) -> None:
    trap = links.postgres.set_trap(RECORD_ROW, answers=moment)
    with bills_of(provider) as bills:
        asked = ask_soon(asking, house)
        wait_for(trap)
        trap.drop()
        assert asked.result().status == 200

    assert_exact(house, bills)


def test_without_postgres_nothing_is_sent_and_the_refusal_is_no_quota(
    house: House, links: Links, provider: rig.Provider
) -> None:
    with links.postgres.refuses(), bills_of(provider) as bills:
        assert ask(house).summary == (503, "server_error", "budget_unavailable")
    assert bills == []

    rig.wait_until(lambda: ask(house).status == 200, what="it does not come back")


def test_a_request_under_way_is_settled_when_postgres_is_back(
    house: House, links: Links, provider: rig.Provider, asking: ThreadPoolExecutor
) -> None:
    trap = links.provider.set_trap(DISPATCH, answers=0)
    with bills_of(provider) as bills:
        asked = ask_soon(asking, house, stream=True)
        wait_for(trap)
        with links.postgres.refuses():
            trap.release()
            assert asked.result().status == 200
            assert house.records() == []

    assert_exact(house, bills)


def test_a_gateway_whose_links_died_silently_beats_on(
    house: House, links: Links
) -> None:
    links.postgres.forget_links()
    # What was on its way by now may still arrive.
    since = timezone.now() + timedelta(seconds=1)

    rig.wait_until(
        lambda: GatewayProcess.objects.filter(beat_at__gt=since).exists(),
        what="the gateway does not beat any more",
    )


def test_a_silent_postgres_is_an_outage_and_no_endless_wait(
    house: House, links: Links
) -> None:
    fresh = replace(house, key=service_key(house.organization))
    with links.postgres.suffers(Weather(is_black_hole=True)):
        assert ask(fresh).summary == (503, "server_error", "budget_unavailable")

    rig.wait_until(lambda: ask(fresh).status == 200, what="it does not come back")


@pytest.mark.parametrize("weather", ["refused", "silent"])
def test_requests_do_not_need_redis(
    house: House, links: Links, provider: rig.Provider, weather: str
) -> None:
    bad = (
        links.redis.refuses()
        if weather == "refused"
        else links.redis.suffers(Weather(is_black_hole=True))
    )
    with bad, bills_of(provider) as bills:
        assert ask(house).status == 200

    assert_exact(house, bills)
