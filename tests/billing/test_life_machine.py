"""
Whatever people decide about money, and in whatever order: all of it agrees.

The same sequences each time; `LIFE_EXAMPLES=500` draws so many new ones.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from billing import posting
from tests.billing.life_machine import LifeMachine

pytestmark = pytest.mark.django_db
BOUNDED = settings(
    max_examples=int(os.environ.get("LIFE_EXAMPLES", "5")),
    stateful_step_count=25,
    deadline=None,
    derandomize="LIFE_EXAMPLES" not in os.environ,
    database=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)


def test_all_of_it_agrees_whatever_is_decided() -> None:
    run_state_machine_as_test(LifeMachine, settings=BOUNDED)


def test_control_a_wrong_sign_in_the_ledger_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = posting.adjustment_amounts
    monkeypatch.setattr(posting, "adjustment_amounts", lambda nanos: right(-nanos))

    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            LifeMachine, settings=settings(BOUNDED, phases=[Phase.generate])
        )
