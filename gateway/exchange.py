"""One call under way: what it holds and how it is settled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from billing.booking_types import Hold, Settlement, settlement
from billing.limits import Refusal
from billing.price_book import PriceBook
from billing.pricing import Rates, Tokens, cost_nanos, unpriced_kinds
from gateway.answer_cache import Slot
from gateway.calls import NO_PRICE, Call
from gateway.calls.tiers import rates_answered_with
from gateway.idempotency import Claim
from gateway.messages import Request
from gateway.reports import NOTHING_SAID, Report
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
    # The rates of the service tier that was asked for.
    rates: Rates | None
    prices: PriceBook
    claim: Claim | None = None
    # Where the cache keeps the answer, if it does.
    slot: Slot | None = None
    # What is kept of the answer, where somebody may ask for it again.
    transcript: Transcript | None = None
    # What the answer says of itself, once it does.
    report: Report = NOTHING_SAID
    first_token_ms: int | None = None
    # Done once its settlement is committed; None before there is one.
    booked: asyncio.Future[Refusal | None] | None = None

    @property
    def is_settled(self) -> bool:
        return self.booked is not None

    @property
    def is_free(self) -> bool:
        return self.rates is not None and self.rates.price_id == NO_PRICE

    def rates_of_answer(self) -> Rates | None:
        """Return the rates of the tier that served it; None if it has no price."""
        answered = self.report.service_tier
        if self.rates is None or self.is_free or not answered:
            return self.rates
        model, at = self.call.model, self.hold.occurred_at
        return rates_answered_with(answered, self.rates, model, self.prices, at)

    def begin_transcript(
        self, status: int, headers: Iterable[tuple[bytes, bytes]]
    ) -> None:
        """Begin to write the answer down, if somebody may ask for it again."""
        if self.claim is not None or self.slot is not None:
            self.transcript = Transcript()
            self.transcript.begin(status, [*headers, *self.request.added_headers])

    def note(self, part: bytes) -> None:
        """Write down a part of the answer, also one that nobody hears any more."""
        if self.transcript is not None:
            self.transcript.add(part)

    async def keep_answer(self, tokens: Tokens | None) -> None:
        """
        Keep the answer that was written down, once its settlement is committed.

        Its tokens are known if it is whole; only then it is good for others too.
        """
        if self.transcript is None:
            return
        if self.booked is not None:
            await self.gateway.books.committed(self.booked)
        if self.claim is not None:
            await self.claim.keep(self.transcript)
        if self.slot is not None and tokens is not None:
            await self.slot.keep(self.transcript, tokens)

    async def forget_claim(self) -> None:
        """Let whoever asks again ask anew: this cost nothing."""
        if self.claim is not None:
            await self.claim.end()

    def settlement(
        self, outcome: Outcome, status_code: int, tokens: Tokens | None
    ) -> Settlement:
        """
        Return how this call is booked.

        Nobody knows what the provider charges without tokens, or for what has no
        rate: then the bound is charged and marked as an estimate. What is free costs
        nothing, whatever becomes of it; so does an unpriced model (no limit applies).
        """
        rates = self.rates_of_answer()
        cost = 0 if rates is None or tokens is None else cost_nanos(rates, tokens)
        is_estimated = not self.is_free and not is_priced(self.rates, rates, tokens)
        if is_estimated and self.hold.bound_nanos is not None:
            cost = self.hold.bound_nanos
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
            price_id=rates.price_id if rates else None,
            service_tier=self.report.service_tier,
        )

    def forget_body(self) -> None:
        """
        Let go of a body that the provider has: an answer may be long in coming.

        Not of a form: a provider may answer while it is still on its way from disk.
        """
        self.call.body, self.call.payload = {}, b""
        if self.call.form is None:
            self.request.end()

    def settle_soon(
        self, outcome: Outcome, status_code: int, tokens: Tokens | None
    ) -> Settlement:
        """Have this call's end booked; whoever waits for it awaits `booked`."""
        settled = self.settlement(outcome, status_code, tokens)
        self.request.has_record = True
        self.booked = self.gateway.books.settle_soon(settled)
        return settled

    async def settle(
        self, outcome: Outcome, status_code: int, tokens: Tokens | None
    ) -> Settlement:
        """Book this call's end and wait until it is committed (or a moment)."""
        settled = self.settle_soon(outcome, status_code, tokens)
        assert self.booked is not None
        await self.gateway.books.committed(self.booked)
        return settled

    def stop(self, tokens: Tokens | None = None) -> None:
        """
        Book a call that stopped in the middle, without waiting: it may have been sent.

        Once it is settled this does nothing.
        """
        if not self.is_settled:
            self.settle_soon(Outcome.GATEWAY_LOST, 0, tokens)


def is_priced(
    asked: Rates | None, answered: Rates | None, tokens: Tokens | None
) -> bool:
    """
    Return whether what was used is known, and what it costs.

    A model without any price costs nothing here, for certain.
    """
    if tokens is None:
        return False
    if answered is None:
        return asked is None
    return not unpriced_kinds(answered, tokens)
