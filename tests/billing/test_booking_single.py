"""One booking alone ends as it would in a batch."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import booking
from billing.actions.sweep import execute
from billing.booking_single import book_one
from billing.booking_types import Hold, Settlement, settlement
from billing.limits import Refusal
from billing.models import BillingProfile, Budget, CreditGrant, SpendLimits
from billing.models import Hold as HoldRow
from billing.pricing import Tokens
from billing.scope_models import ScopeBudget
from core.ids import new_event_id
from core.periods import cycle_of
from orgs.models import Organization
from tests import factories
from usage.models import UsageRecord

pytestmark = pytest.mark.django_db

AMOUNTS = st.integers(0, 12)
LIMITS = st.none() | AMOUNTS
# The refusal, then rows: budgets, holds, records, parts, grants.
Outcome = tuple[Refusal | None, list[Any], list[Any], list[Any], list[Any], list[Any]]


def hold_of(organization: Organization, bound_nanos: int | None) -> Hold:
    return Hold(
        event_id=new_event_id(),
        organization_id=organization.pk,
        api_key_id=1,
        user_id=2,
        gateway_id=uuid.uuid4(),
        endpoint="chat.completions",
        model="gpt-4o-mini",
        simulated=False,
        streamed=False,
        price_id=1,
        bound_nanos=bound_nanos,
    )


def settlement_of(hold: Hold, cost_nanos: int) -> Settlement:
    return settlement(
        hold,
        outcome="succeeded",
        status_code=200,
        tokens=Tokens(input=1),
        cost_nanos=cost_nanos,
        latency_ms=1,
    )


def outcome_of(item: Hold | Settlement, steps: booking.Steps) -> Outcome:
    """Book, look at everything, and take it back."""
    with transaction.atomic():
        booked = booking.run(steps, execute)
        found = (
            booked.refusals.get(item.event_id),
            list(Budget.objects.values_list("spent_nanos", "held_nanos")),
            list(HoldRow.objects.order_by("pk").values("pk", "bound_nanos")),
            list(
                UsageRecord.objects.order_by("pk").values(
                    "pk", "kind", "cost_nanos", "corrects"
                )
            ),
            sorted(
                ScopeBudget.objects.exclude(spent_nanos=0, held_nanos=0).values_list(
                    "scope", "subject_id", "spent_nanos", "held_nanos"
                )
            ),
            list(CreditGrant.objects.order_by("pk").values("pk", "consumed_nanos")),
        )
        transaction.set_rollback(True)
    return found


def in_batch(item: Hold | Settlement) -> booking.Steps:
    if isinstance(item, Hold):
        return booking.book(holds=[item])
    return booking.book(settlements=[item])


def furnish(*, spent: int, held: int, limits: Any, **has: bool) -> Organization:
    """Make an organization with these amounts, in nano-dollars."""
    environment = "production" if has["production"] else "staging"
    organization = factories.make_organization(
        f"Org {uuid.uuid4().hex}", environment=environment
    )
    now = timezone.now()
    SpendLimits.objects.create(
        organization=organization,
        **{f"{name}_nanos": amount for name, amount in limits.items()},
    )
    Budget.objects.create(
        organization=organization,
        cycle_start=cycle_of(now),
        spent_nanos=spent,
        held_nanos=held,
    )
    if has["profile"]:
        BillingProfile.objects.create(organization=organization, legal_name="Org")
    if has["credit"]:
        CreditGrant.objects.create(
            organization=organization,
            name="Trial",
            amount_nanos=10,
            consumed_nanos=3,
            effective_at=now - timedelta(days=1),
            expires_at=now + timedelta(days=1),
        )
    return organization


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    amounts=st.fixed_dictionaries(
        {
            "spent": AMOUNTS,
            "held": AMOUNTS,
            "limits": st.fixed_dictionaries(
                dict.fromkeys(
                    ("hard_limit", "approved_limit", "key_default", "member_default"),
                    LIMITS,
                )
            ),
        }
    ),
    has=st.fixed_dictionaries(
        {"production": st.booleans(), "profile": st.booleans(), "credit": st.booleans()}
    ),
    bound=LIMITS,
)
def test_a_hold_alone_is_decided_as_in_a_batch(
    amounts: dict[str, Any], has: dict[str, bool], bound: int | None
) -> None:
    with transaction.atomic():
        hold = hold_of(furnish(**amounts, **has), bound)

        assert outcome_of(hold, book_one(hold)) == outcome_of(hold, in_batch(hold))
        transaction.set_rollback(True)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    cost=AMOUNTS,
    has=st.fixed_dictionaries(
        {"production": st.booleans(), "profile": st.booleans(), "credit": st.booleans()}
    ),
    state=st.sampled_from(["held", "settled", "swept", "unknown"]),
)
def test_a_settlement_alone_is_booked_as_in_a_batch(
    cost: int, has: dict[str, bool], state: str
) -> None:
    with transaction.atomic():
        organization = furnish(spent=0, held=0, limits={}, **has)
        hold = hold_of(organization, 7)
        bring_to(state, hold)
        settled = settlement_of(hold, cost)

        alone = outcome_of(settled, book_one(settled))
        assert alone == outcome_of(settled, in_batch(settled))
        transaction.set_rollback(True)


def bring_to(state: str, hold: Hold) -> None:
    """Take a hold to where a settlement may find it."""
    if state == "unknown":
        return
    booking.run(booking.book(holds=[hold]), execute)
    if state == "settled":
        booking.run(booking.book(settlements=[settlement_of(hold, 5)]), execute)
    if state == "swept":
        estimate = settlement(
            hold,
            outcome="gateway_lost",
            status_code=0,
            tokens=Tokens(),
            cost_nanos=7,
            latency_ms=1,
            is_estimated=True,
        )
        booking.run(booking.book(settlements=[estimate]), execute)


def test_a_plain_hold_and_its_settlement_take_one_trip_each(
    acme: Organization,
) -> None:
    """This is what the speed of a quiet gateway rests on."""
    BillingProfile.objects.create(organization=acme, legal_name="Acme")
    Budget.objects.create(organization=acme, cycle_start=cycle_of(timezone.now()))
    hold = hold_of(acme, 7)
    trips = [steps_taken(book_one(hold)), steps_taken(book_one(settlement_of(hold, 5)))]

    assert trips == [1, 1]
    assert list(Budget.objects.values_list("spent_nanos", "held_nanos")) == [(5, 0)]


def steps_taken(steps: booking.Steps) -> int:
    count = 0

    def counted() -> booking.Steps:
        nonlocal count
        step = next(steps)
        try:
            while True:
                count += 1
                step = steps.send((yield step))
        except StopIteration as stop:
            booked: booking.Booked = stop.value
            return booked

    with connection.cursor():
        booking.run(counted(), execute)
    return count
