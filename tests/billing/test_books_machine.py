"""
Whatever happens to the books, I1 to I4 hold; and each guard is needed for it.

The controls take one guard out, and see the same machine find out.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from billing import booking, booking_single, booking_sql, limits
from billing.booking_types import Settlement
from billing.limits import Binding, Funding, Refusal
from billing.verification import money
from tests.billing.books_machine import BooksMachine

pytestmark = pytest.mark.django_db
BOUNDED = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
# The first sequence that shows it is enough.
CONTROL = settings(
    BOUNDED,
    max_examples=150,
    phases=[Phase.generate],
    database=None,
    derandomize=True,
    print_blob=False,
)
Patch = Callable[[pytest.MonkeyPatch], None]


def test_the_books_hold_whatever_happens() -> None:
    run_state_machine_as_test(BooksMachine, settings=BOUNDED)

    assert money.budgets_equal_records().holds
    assert money.budgets_equal_holds().holds
    assert money.scope_budgets_equal_records().holds
    assert money.scope_budgets_equal_holds().holds
    assert money.keys_add_up_to_budgets().holds


def deciding(without: Callable[[Funding], Funding]) -> Callable[..., Refusal | None]:
    return lambda funding, bound: limits.decide(without(funding), bound)


def no_hard_limit(patch: pytest.MonkeyPatch) -> None:
    """The organization's limit is not looked at, alone or in a batch."""
    without = deciding(lambda funding: replace(funding, hard_limit_nanos=None))
    patch.setattr(booking, "decide", without)
    patch_text(
        patch, booking_single, "HOLD_IF_IT_FITS", "limits.hard_limit_nanos, ", ""
    )


def no_limit_of(binding: Binding, scope: str) -> Patch:
    def without(funding: Funding) -> Funding:
        left = tuple(each for each in funding.scopes if each.binding is not binding)
        return replace(funding, scopes=left)

    def take_out(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(booking, "decide", deciding(without))
        patch_text(
            patch,
            booking_single,
            "HOLD_IF_IT_FITS",
            "WHERE coalesce(part.",
            f"WHERE scope <> '{scope}' AND coalesce(part.",
        )

    return take_out


def no_look_at_past_records(patch: pytest.MonkeyPatch) -> None:
    """A settlement without a hold is booked as if nothing were."""
    patch_text(
        patch, booking_sql, "PAST_RECORDS", "WHERE event_id", "WHERE false AND event_id"
    )


def sweep_of_what_is_not_held(patch: pytest.MonkeyPatch) -> None:
    settle = booking.settle

    def unguarded(settlement: Settlement, *rest: Any) -> None:
        settle(replace(settlement, only_if_held=False), *rest)

    patch.setattr(booking, "settle", unguarded)


def corrections_under_any_id(patch: pytest.MonkeyPatch) -> None:
    def any_id(event_id: uuid.UUID) -> uuid.UUID:
        return uuid.UUID(int=event_id.int ^ random.getrandbits(32))

    patch.setattr(booking, "correction_id", any_id)


def forget_the_parts(patch: pytest.MonkeyPatch) -> None:
    """What keys and members spend is kept by bookings alone, not by batches."""
    patch.setattr(booking, "scope_writes", lambda _: [])


def settle_twice_alone(patch: pytest.MonkeyPatch) -> None:
    """The short cut charges without taking the hold off."""
    patch_text(
        patch,
        booking_single,
        "SETTLE_IF_HELD",
        "held_nanos = budget.held_nanos - ended.bound_nanos",
        "held_nanos = budget.held_nanos",
    )


def patch_text(
    patch: pytest.MonkeyPatch, module: Any, name: str, there: str, instead: str
) -> None:
    """Change a statement for this test."""
    text = getattr(module, name)
    assert there in text, f"{name} has changed: nothing would be taken out"
    patch.setattr(module, name, text.replace(there, instead))


CONTROLS: dict[str, Patch] = {
    "the organization's limit": no_hard_limit,
    "the key's limit": no_limit_of(Binding.KEY_LIMIT, "key"),
    "the member's limit": no_limit_of(Binding.MEMBER_LIMIT, "member"),
    "the look at what is settled": no_look_at_past_records,
    "the sweep's look at what is held": sweep_of_what_is_not_held,
    "the id of a correction": corrections_under_any_id,
    "the parts of keys and members": forget_the_parts,
    "the end of a hold": settle_twice_alone,
}


@pytest.mark.parametrize("guard", CONTROLS)
def test_control_without_a_guard_the_machine_finds_out(
    guard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    CONTROLS[guard](monkeypatch)

    with pytest.raises((AssertionError, IntegrityError)):
        run_state_machine_as_test(BooksMachine, settings=CONTROL)
