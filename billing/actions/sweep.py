"""Holds that nobody will settle: charge them. Time never frees money."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from django.db import connection, transaction

from billing import booking, booking_sql
from billing.booking_types import Hold, Settlement, settlement
from billing.pricing import Tokens
from usage.models import Outcome

BATCH_MAX = 500


def charge_orphaned_holds(*, dead_after_s: float, batch_max: int = BATCH_MAX) -> int:
    """
    Charge, at the bound, each hold whose gateway has not beaten for `dead_after_s`.

    Returns how many were charged. Safe to repeat and to run twice at once: a hold
    that another run charged meanwhile is found settled. The truth, if it comes to
    light, is booked as a correction.
    """
    with transaction.atomic(durable=True):
        orphans = find_orphans(dead_after_s=dead_after_s, batch_max=batch_max)
        if orphans:
            booking.run(booking.book(settlements=orphans), execute)
        execute(booking.Statement(booking_sql.FORGET_GATEWAYS, ()))
    return len(orphans)


def find_orphans(*, dead_after_s: float, batch_max: int) -> list[Settlement]:
    statement = booking.Statement(booking_sql.ORPHANED_HOLDS, (dead_after_s, batch_max))
    return [charge(row) for row in execute(statement)]


def charge(row: tuple[Any, ...]) -> Settlement:
    """Return the settlement of an orphan: its bound, marked as an estimate."""
    event_id, organization, api_key, user, cycle, gateway, *rest = row
    endpoint, model, simulated, streamed, price_id, bound, age_ms = rest
    assert isinstance(event_id, uuid.UUID)
    hold = Hold(
        event_id=event_id,
        organization_id=organization,
        api_key_id=api_key,
        user_id=user,
        gateway_id=gateway,
        endpoint=endpoint,
        model=model,
        simulated=simulated,
        streamed=streamed,
        price_id=price_id,
        bound_nanos=bound,
    )
    assert hold.cycle_start == cycle, "a hold's cycle is the one inside its event id"
    charged = settlement(
        hold,
        outcome=Outcome.GATEWAY_LOST,
        status_code=0,
        tokens=Tokens(),
        cost_nanos=bound,
        latency_ms=int(age_ms),
        is_estimated=True,
    )
    return replace(charged, only_if_held=True)


def execute(statement: booking.Statement) -> booking.Rows:
    """Run one statement on Django's connection and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.parameters)
        return cursor.fetchall() if cursor.description else []
