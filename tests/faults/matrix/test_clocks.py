"""A host whose clock is wrong, and a month that ends during a request."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from billing.models import Budget, GatewayProcess
from core.periods import cycle_interval, cycle_of, next_cycle
from orgs.models import Organization
from tests import rig
from tests.faults.matrix.conftest import (
    Links,
    ask,
    ask_soon,
    bills_of,
    furnish,
    sweep_until_clean,
    wait_for,
)
from tests.faults.points import DISPATCH
from tests.faults.shifted import set_clock
from tests.gateway.conftest import House
from tests.gateway.test_hard_limit_under_concurrency import true_cost
from usage.models import UsageRecord
from usage.partitions import ensure_coming_partitions

pytestmark = pytest.mark.processes

HOUR_S = 3600.0


@contextmanager
def gateway_off_by(
    seconds: float, acme: Organization, links: Links, folder: Path
) -> Iterator[tuple[rig.Process, House]]:
    """Run a gateway on a host whose clock is so many seconds off."""
    ensure_coming_partitions(now=timezone.now())
    clock = folder / "clock"
    set_clock(clock, seconds)
    with rig.gateway(folder, clock=str(clock), **links.settings()) as process:
        yield process, furnish(acme, links, process)


@pytest.mark.parametrize("seconds", [HOUR_S, -HOUR_S], ids=["ahead", "behind"])
def test_a_clock_an_hour_off_dates_records_wrong_and_charges_right(
    priced: Organization,
    links: Links,
    provider: rig.Provider,
    tmp_path: Path,
    seconds: float,
) -> None:
    with (
        gateway_off_by(seconds, priced, links, tmp_path) as (_, house),
        bills_of(provider) as bills,
    ):
        assert ask(house).status == 200

    (record,) = house.records()
    off_by = record.occurred_at - timezone.now() - timedelta(seconds=seconds)
    assert abs(off_by) < timedelta(minutes=5)
    assert spent_in_all_cycles() == true_cost(bills)


@pytest.mark.parametrize("seconds", [HOUR_S, -HOUR_S], ids=["ahead", "behind"])
def test_the_sweep_goes_by_postgres_clock_alone(
    priced: Organization,
    links: Links,
    asking: ThreadPoolExecutor,
    tmp_path: Path,
    seconds: float,
) -> None:
    with gateway_off_by(seconds, priced, links, tmp_path) as (gateway, house):
        trap = links.provider.set_trap(DISPATCH, answers=0)
        ask_soon(asking, house)
        wait_for(trap)
        (hold,) = house.holds()
        assert abs(hold.created_at - timezone.now()) < timedelta(minutes=5)
        gateway.kill()
        trap.drop()
        # As if it had signed off: then a hold's own age decides.
        GatewayProcess.objects.all().delete()
        sweep_until_clean()

    assert [record.kind for record in house.records()] == ["estimated"]


def test_a_request_over_midnight_belongs_to_the_month_it_began_in(
    priced: Organization,
    links: Links,
    provider: rig.Provider,
    asking: ThreadPoolExecutor,
    tmp_path: Path,
) -> None:
    now, this_cycle = timezone.now(), cycle_of(timezone.now())
    to_midnight_s = (cycle_interval(this_cycle).end - now).total_seconds()
    before, after = to_midnight_s - HOUR_S, to_midnight_s + HOUR_S
    with gateway_off_by(before, priced, links, tmp_path) as (_, house):
        trap = links.provider.set_trap(DISPATCH, answers=0)
        with bills_of(provider) as bills:
            asked = ask_soon(asking, house)
            wait_for(trap)
            set_clock(tmp_path / "clock", after)
            trap.release()
            assert asked.result().status == 200
        with bills_of(provider) as bills_after:
            assert ask(house).status == 200

    spent = dict(Budget.objects.values_list("cycle_start", "spent_nanos"))
    next_month = next_cycle(this_cycle)
    assert spent == {this_cycle: true_cost(bills), next_month: true_cost(bills_after)}
    assert not Budget.objects.exclude(held_nanos=0).exists()
    assert {r.cycle_start for r in UsageRecord.objects.all()} == set(spent)


def spent_in_all_cycles() -> int:
    return sum(Budget.objects.values_list("spent_nanos", flat=True))
