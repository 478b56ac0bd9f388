"""The books without a gateway: holds, settlements and releases on a real database."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Sum

from billing import booking
from billing.actions.sweep import execute
from billing.booking_single import book_one
from billing.booking_types import Hold, Release, Settlement, settlement
from billing.models import Budget, CreditGrant, SpendLimits
from billing.models import Hold as HoldRow
from billing.pricing import Tokens
from billing.scope_models import ScopeBudget
from orgs.models import Organization
from tests.usage_factories import event_id_at
from usage.models import UsageRecord

Item = Hold | Settlement | Release
GATEWAY = uuid.UUID(int=7)


def hold_of(
    organization: Organization,
    bound_nanos: int | None,
    *,
    at: datetime | None = None,
    api_key_id: int = 1,
    user_id: int | None = None,
) -> Hold:
    """Return a hold that is not booked yet."""
    return Hold(
        event_id=event_id_at(at or datetime.now(UTC)),
        organization_id=organization.pk,
        api_key_id=api_key_id,
        user_id=user_id,
        gateway_id=GATEWAY,
        endpoint="chat.completions",
        model="gpt-4o-mini",
        simulated=False,
        streamed=False,
        price_id=1,
        bound_nanos=bound_nanos,
    )


def settling(
    hold: Hold, cost_nanos: int, *, is_estimated: bool = False, **facts: Any
) -> Settlement:
    """Return the settlement of a hold at a cost."""
    return settlement(
        hold,
        outcome=facts.get("outcome", "succeeded"),
        status_code=200,
        tokens=Tokens(input=3, output=2),
        cost_nanos=cost_nanos,
        latency_ms=40,
        is_estimated=is_estimated,
    )


def sweeping(hold: Hold) -> Settlement:
    """Return what the sweep books for a hold: its bound, as an estimate."""
    assert hold.bound_nanos is not None
    charge = settling(hold, hold.bound_nanos, is_estimated=True, outcome="gateway_lost")
    return replace(charge, only_if_held=True)


def book(*items: Item) -> booking.Booked:
    """Book in one transaction, as the gateway does: alone, or as a batch."""
    steps = book_one(items[0]) if len(items) == 1 else as_batch(items)
    with transaction.atomic():
        return booking.run(steps, execute)


def as_batch(items: Sequence[Item]) -> booking.Steps:
    return booking.book(
        holds=[item for item in items if isinstance(item, Hold)],
        settlements=[item for item in items if isinstance(item, Settlement)],
        releases=[item for item in items if isinstance(item, Release)],
    )


def held(organization: Organization, bound_nanos: int, **options: Any) -> Hold:
    """Book a hold that must stand."""
    hold = hold_of(organization, bound_nanos, **options)
    assert book(hold).refusals == {}
    return hold


def limit(organization: Organization, nanos: int | None) -> None:
    """Set the hard limit."""
    SpendLimits.objects.update_or_create(
        organization=organization, defaults={"hard_limit_nanos": nanos}
    )


def grant(
    organization: Organization, nanos: int, *, days: int, begins: int = -30
) -> CreditGrant:
    """Give credit from `begins` days on that expires in `days`, both from now."""
    now = datetime.now(UTC)
    return CreditGrant.objects.create(
        organization=organization,
        name=f"{days} days",
        amount_nanos=nanos,
        effective_at=now + timedelta(days=begins),
        expires_at=now + timedelta(days=days),
    )


def amounts(organization: Organization) -> tuple[int, int]:
    """Return what is spent and held over all cycles."""
    sums = Budget.objects.filter(organization=organization).aggregate(
        spent=Sum("spent_nanos", default=0), held=Sum("held_nanos", default=0)
    )
    return sums["spent"], sums["held"]


def parts(organization: Organization) -> dict[tuple[str, int], tuple[int, int]]:
    """Return what each key and member spent and holds, where it is not nothing."""
    rows = ScopeBudget.objects.filter(organization=organization)
    return {
        (row.scope, row.subject_id): (row.spent_nanos, row.held_nanos)
        for row in rows
        if row.spent_nanos or row.held_nanos
    }


def records(organization: Organization) -> list[UsageRecord]:
    return list(
        UsageRecord.objects.filter(organization=organization).order_by("sequence")
    )


def open_holds(organization: Organization) -> set[uuid.UUID]:
    holds = HoldRow.objects.filter(organization=organization)
    return set(holds.values_list("event_id", flat=True))
