"""A gateway that dies, or stops for a while, at a known moment of a request."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import rig
from tests.faults.matrix.conftest import (
    Links,
    ask_soon,
    bills_of,
    sweep_until_clean,
    wait_for,
)
from tests.faults.network import Proxy, Trap
from tests.faults.points import POINTS, Point
from tests.gateway.conftest import House
from tests.gateway.test_hard_limit_under_concurrency import true_cost

pytestmark = pytest.mark.processes

# A gateway that was only stopped goes on from here as if nothing had been.
PAUSED = ("after_hold", "in_dispatch", "mid_stream", "before_settlement")


def set_trap(links: Links, point: Point) -> tuple[Proxy, Trap]:
    proxy: Proxy = getattr(links, point.link)
    return proxy, proxy.set_trap(point.pattern, answers=point.answers)


def kinds(house: House) -> tuple[str, ...]:
    return tuple(record.kind for record in house.records())


def spent_and_held(house: House) -> tuple[int, int]:
    budget = house.budget()
    return budget.spent_nanos, budget.held_nanos


# An answer waits for no settlement; this stream's beginning is out before any of them.
ANSWERED = ("mid_stream", "before_settlement", "after_settlement")


@pytest.mark.parametrize("name", POINTS)
def test_a_gateway_killed_at_a_point_loses_nothing(
    own_gateway: tuple[rig.Process, House],
    links: Links,
    provider: rig.Provider,
    asking: ThreadPoolExecutor,
    name: str,
) -> None:
    point, (gateway, house) = POINTS[name], own_gateway
    _, trap = set_trap(links, point)
    with bills_of(provider) as bills:
        asked = ask_soon(asking, house, stream=True, pause_s=0.02)
        wait_for(trap)
        gateway.kill()
        trap.drop()
        assert asked.exception() or name in ANSWERED
        sweep_until_clean()

    assert (len(bills), kinds(house)) == (int(point.arrives), point.kinds)
    if point.kinds:
        spent, held = spent_and_held(house)
        assert (spent, held) == (sum(r.cost_nanos for r in house.records()), 0)
        assert spent >= true_cost(bills)


@pytest.mark.parametrize("name", PAUSED)
def test_a_gateway_stopped_at_a_point_corrects_the_sweep_when_it_goes_on(
    own_gateway: tuple[rig.Process, House],
    links: Links,
    provider: rig.Provider,
    asking: ThreadPoolExecutor,
    name: str,
) -> None:
    gateway, house = own_gateway
    _, trap = set_trap(links, POINTS[name])
    with bills_of(provider) as bills:
        asked = ask_soon(asking, house, stream=True, pause_s=0.02)
        wait_for(trap)
        gateway.popen.send_signal(signal.SIGSTOP)
        sweep_until_clean()
        assert kinds(house) == ("estimated",)
        trap.release()
        gateway.popen.send_signal(signal.SIGCONT)
        assert asked.result().status == 200
        rig.wait_until(lambda: len(house.records()) == 2, what="no correction came")

    assert kinds(house) == ("estimated", "correction")
    assert spent_and_held(house) == (true_cost(bills), 0)
