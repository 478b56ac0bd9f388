"""One call under way: what it holds and how it is settled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from billing.booking_types import Hold, Settlement, settlement
from billing.pricing import Rates, Tokens, cost_nanos
from gateway.calls import NO_PRICE, Call
from gateway.idempotency import Claim
from gateway.messages import Request
from gateway.service import Gateway
from gateway.transcripts import Transcript
from usage.models import Outcome


@dataclass(slots=True)
class Exchange:
    """One call under way: what it holds, and how it is settled."""

    gateway: Gateway
    request: Request
    call: Call
    hold: Hold
    rates: Rates | None
    claim: Claim | None = None
    # What is kept of the answer, where somebody may ask for it again.
    transcript: Transcript | None = None
    first_token_ms: int | None = None

    @property
    def is_free(self) -> bool:
        return self.rates is not None and self.rates.price_id == NO_PRICE

    def cost_nanos(self, tokens: Tokens) -> int:
        """Return what tokens cost; an unpriced model (no limit applies) costs 0."""
        return cost_nanos(self.rates, tokens) if self.rates else 0

    def begin_transcript(
        self, status: int, headers: Iterable[tuple[bytes, bytes]]
    ) -> None:
        """Begin to write the answer down, if somebody may ask for it again."""
        if self.claim is not None:
            self.transcript = Transcript()
            self.transcript.begin(status, [*headers, *self.request.added_headers])

    def note(self, part: bytes) -> None:
        """Write down a part of the answer, also one that nobody hears any more."""
        if self.transcript is not None:
            self.transcript.add(part)

    async def keep_answer(self) -> None:
        """Keep the answer that was written down, once it is settled."""
        if self.transcript is not None and self.claim is not None:
            await self.claim.keep(self.transcript)

    async def forget_claim(self) -> None:
        """Let whoever asks again ask anew: this cost nothing."""
        if self.claim is not None:
            await self.claim.end()

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
        self.request.tokens_used = tokens.input + tokens.output if tokens else None
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
