"""Gateways that die, or stop for a while, in the middle of requests."""

from __future__ import annotations

import signal
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from billing.actions.price_seeding import seed_prices
from billing.actions.sweep import charge_orphaned_holds
from billing.models import Budget, GatewayProcess, Hold
from orgs.models import Organization
from tests import rig
from tests.gateway.conftest import House, furnish_at
from tests.gateway.streams import streams
from tests.gateway.test_hard_limit_under_concurrency import true_cost
from usage.models import UsageRecord

pytestmark = pytest.mark.processes

COUNT = 6
DEAD_AFTER_S = 2.0


@pytest.fixture
def acme_priced(committed_db: None, acme: Organization) -> Organization:
    seed_prices(now=timezone.now())
    return acme


def sweep_until_clean() -> None:
    """Sweep as the worker does, until nothing is held."""

    def is_clean() -> bool:
        charge_orphaned_holds(dead_after_s=DEAD_AFTER_S)
        return not Hold.objects.exists()

    rig.wait_until(is_clean, what="holds are left after the sweep")


def cut_connections() -> int:
    """Cut the gateways' connections to this database; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
            "application_name = 'tokenhouse-gateway' "
            "AND datname = current_database()"
        )
        return int(cursor.rowcount)


def books_add_up(house: House) -> bool:
    budget = Budget.objects.get(organization=house.organization)
    spent = sum(record.cost_nanos for record in house.records())
    return (budget.spent_nanos, budget.held_nanos) == (spent, 0)


def test_requests_of_a_killed_gateway_are_all_charged(
    acme_priced: Organization, provider: rig.Provider, folder: Path
) -> None:
    before = len(provider.bills())
    with rig.gateway(folder) as gateway:
        house = furnish_at(acme_priced, provider, gateway.url)
        with streams(
            gateway.url, house.key, count=COUNT, output=200, pause_s=0.05
        ) as asked:
            gateway.kill()
    assert asked.whole == 0, "the gateway died too late to prove anything"

    sweep_until_clean()

    bills = provider.bills()[before:]
    records = house.records()
    assert len(records) == len(bills) == COUNT
    assert {record.kind for record in records} == {"estimated"}
    assert {record.outcome for record in records} == {"gateway_lost"}
    assert house.budget().spent_nanos >= true_cost(bills)
    assert books_add_up(house)


def test_a_living_gateways_holds_are_left_alone(
    acme_priced: Organization, provider: rig.Provider, folder: Path
) -> None:
    with rig.gateway(folder) as gateway:
        house = furnish_at(acme_priced, provider, gateway.url)
        with streams(gateway.url, house.key, count=1, output=60, pause_s=0.05):
            assert charge_orphaned_holds(dead_after_s=DEAD_AFTER_S) == 0
            assert len(house.holds()) == 1

    (record,) = house.records()
    assert record.kind == "actual"


def test_a_gateway_that_wakes_up_corrects_what_the_sweep_charged(
    acme_priced: Organization, provider: rig.Provider, folder: Path
) -> None:
    before = len(provider.bills())
    with rig.gateway(folder) as gateway:
        house = furnish_at(acme_priced, provider, gateway.url)
        with streams(gateway.url, house.key, count=2, output=40, pause_s=0.05):
            gateway.popen.send_signal(signal.SIGSTOP)
            sweep_until_clean()
            estimate = house.budget().spent_nanos
            gateway.popen.send_signal(signal.SIGCONT)
        rig.wait_until(lambda: len(house.records()) == 4, what="no corrections came")

    bill = true_cost(provider.bills()[before:])
    assert estimate > bill
    assert house.budget().spent_nanos == bill
    corrected = {r.corrects for r in house.records() if r.kind == "correction"}
    estimated = {r.event_id for r in house.records() if r.kind == "estimated"}
    assert corrected == estimated
    assert books_add_up(house)


def test_a_gateway_that_is_told_to_stop_finishes_its_requests(
    acme_priced: Organization, provider: rig.Provider, folder: Path
) -> None:
    with rig.gateway(folder) as gateway:
        house = furnish_at(acme_priced, provider, gateway.url)
        with streams(gateway.url, house.key, count=3, output=30, pause_s=0.05) as asked:
            gateway.popen.terminate()

    assert asked.whole == 3
    assert {record.kind for record in house.records()} == {"actual"}
    assert books_add_up(house)


def test_cut_connections_lose_nothing_and_leave_nothing_held(
    house: House, provider: rig.Provider
) -> None:
    before = len(provider.bills())
    with streams(house.url, house.key, count=COUNT, output=30, pause_s=0.05):
        assert cut_connections() >= 1

    rig.wait_until(lambda: not Hold.objects.exists(), what="holds are left")
    bills = provider.bills()[before:]
    assert UsageRecord.objects.count() == len(bills) == COUNT
    assert house.budget().spent_nanos == true_cost(bills)
    assert books_add_up(house)


def test_a_gateway_long_gone_is_forgotten_once_it_holds_nothing(
    acme_priced: Organization,
) -> None:
    long_ago = timezone.now() - timedelta(days=2)
    GatewayProcess.objects.create(
        id=uuid.uuid4(), host="old", pid=1, started_at=long_ago, beat_at=long_ago
    )

    charge_orphaned_holds(dead_after_s=DEAD_AFTER_S)

    assert not GatewayProcess.objects.filter(host="old").exists()
