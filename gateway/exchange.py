"""One call under way: what it holds and how it is settled."""

from __future__ import annotations

from dataclasses import dataclass

from billing.booking_types import Hold, Settlement, settlement
from billing.pricing import Rates, Tokens, cost_nanos
from gateway.calls import NO_PRICE, Call
from gateway.messages import Request
from gateway.service import Gateway
from usage.models import Outcome


@dataclass(slots=True)
class Exchange:
    """One call under way: what it holds, and how it is settled."""

    gateway: Gateway
    request: Request
    call: Call
    hold: Hold
    rates: Rates | None
    first_token_ms: int | None = None

    @property
    def is_free(self) -> bool:
        return self.rates is not None and self.rates.price_id == NO_PRICE

    def cost_nanos(self, tokens: Tokens) -> int:
        """Return what tokens cost; an unpriced model (no limit applies) costs 0."""
        return cost_nanos(self.rates, tokens) if self.rates else 0

    def settlement(
        self, outcome: Outcome, status_code: int, tokens: Tokens | None
    ) -> Settlement:
        """
        Return how this call is booked.

        Without tokens nobody knows what the provider charges: the bound is charged
        and marked as an estimate. What is free costs nothing, whatever becomes of it.
        """
        is_estimated = tokens is None and not self.is_free
        cost = self.hold.bound_nanos or 0 if tokens is None else self.cost_nanos(tokens)
        return settlement(
            self.hold,
            outcome=outcome,
            status_code=status_code,
            tokens=tokens or Tokens(),
            cost_nanos=cost,
            latency_ms=self.request.elapsed_ms(),
            first_token_ms=self.first_token_ms,
            is_estimated=is_estimated,
        )

    def forget_body(self) -> None:
        """Let go of a body that the provider has: an answer may be long in coming."""
        self.call.body, self.call.payload = {}, b""
        self.request.end()

    async def settle(
        self, outcome: Outcome, status_code: int, tokens: Tokens | None
    ) -> Settlement:
        """Book this call's end and wait until it is committed (or a moment)."""
        settled = self.settlement(outcome, status_code, tokens)
        await self.gateway.books.settle(settled)
        return settled
