"""What changes while requests are under way: limits and keys."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.utils import timezone

from billing.actions.limits import set_hard_limit
from keys.actions import revoke_key
from keys.models import ApiKey
from tests import rig
from tests.faults.matrix.conftest import Links, ask, ask_soon, bills_of, wait_for
from tests.faults.points import DISPATCH
from tests.gateway.conftest import House
from tests.gateway.test_hard_limit_under_concurrency import true_cost

pytestmark = pytest.mark.processes


def lower_limit(house: House, amount_nanos: int) -> None:
    set_hard_limit(
        organization=house.organization,
        amount_nanos=amount_nanos,
        acting_user=None,
        now=timezone.now(),
    )


def test_a_limit_below_what_is_held_refuses_the_next_and_settles_the_last(
    house: House, links: Links, provider: rig.Provider, asking: ThreadPoolExecutor
) -> None:
    trap = links.provider.set_trap(DISPATCH, answers=1)
    with bills_of(provider) as bills:
        asked = ask_soon(asking, house, stream=True)
        wait_for(trap)
        lower_limit(house, house.budget().held_nanos // 2)
        assert ask(house).error["code"] == "organization_spend_limit_exceeded"
        trap.release()
        assert asked.result().status == 200

    assert len(bills) == 1
    rig.wait_until(lambda: house.holds() == [], what="the hold stays")
    assert house.budget().spent_nanos == true_cost(bills)


def test_a_stream_whose_key_is_revoked_ends_and_is_metered(
    house: House, links: Links, provider: rig.Provider, asking: ThreadPoolExecutor
) -> None:
    trap = links.provider.set_trap(DISPATCH, answers=1)
    with bills_of(provider) as bills:
        asked = ask_soon(asking, house, stream=True)
        wait_for(trap)
        (key,) = ApiKey.objects.filter(organization=house.organization)
        revoke_key(key=key, acting_user=None, now=timezone.now())
        rig.wait_until(lambda: ask(house).status == 401, deadline_s=5)
        trap.release()
        assert asked.result().body.endswith(b"data: [DONE]\n\n")

    rig.wait_until(lambda: house.holds() == [], what="the hold stays")
    assert [record.kind for record in house.records()] == ["actual"] * len(bills)
    assert house.budget().spent_nanos == true_cost(bills)
