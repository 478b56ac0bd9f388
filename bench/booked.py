"""Bookings as a gateway makes them, without its requests."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from billing.booking_types import Hold, settlement
from billing.pricing import Tokens
from core.ids import new_event_id
from gateway.books import Books
from gateway.former_uses import FormerUses
from gateway.presence import Presence
from keys.models import ApiKey

TOKENS = Tokens(input=20, output=12)
COST_NANOS, BOUND_NANOS = 10_200, 120_000


class Booker:
    """Holds and settles one request after another for the bench's organization."""

    def __init__(self) -> None:
        key = ApiKey.objects.get(name="bench")
        assert key.organization_id is not None
        self._organization_id, self._key_id = key.organization_id, key.pk

    @contextlib.asynccontextmanager
    async def books(self) -> AsyncIterator[Books]:
        """Open the books of a gateway that has said that it lives."""
        books = Books()
        presence = Presence(books, {3: [FormerUses()]})
        await books.open()
        await presence.open()
        self._gateway_id = presence.gateway_id
        try:
            yield books
        finally:
            await books.close(timeout_s=30)
            await presence.close()

    async def book(self, books: Books) -> None:
        hold = Hold(
            event_id=new_event_id(),
            organization_id=self._organization_id,
            api_key_id=self._key_id,
            user_id=None,
            gateway_id=self._gateway_id,
            endpoint="chat.completions",
            model="gpt-4o-mini",
            simulated=False,
            streamed=False,
            price_id=0,
            bound_nanos=BOUND_NANOS,
        )
        refusal = await books.hold(hold)
        assert refusal is None, "a benchmark of refusals says nothing"
        settled = settlement(
            hold,
            outcome="succeeded",
            status_code=200,
            tokens=TOKENS,
            cost_nanos=COST_NANOS,
            latency_ms=1,
        )
        await books.settle(settled)
