"""Answering a call from the cache, before it is held."""

from __future__ import annotations

from billing.booking_types import Settlement, settlement
from gateway.answer_cache import Cached, Slot
from gateway.arrivals import Arrival
from gateway.cacheable import canonical
from gateway.calls import NO_PRICE
from gateway.idempotency import Claim
from gateway.messages import Headers, Request
from gateway.transcripts import Transcript
from usage.models import Outcome

HEADER = b"x-tokenhouse-cache"
# Of the client: ask the provider anew; and keep nothing of it either.
ANEW, UNKEPT = ("no-cache", "no-store")


async def find_slot(arrival: Arrival) -> Slot | None:
    """Return where the answer to a call may be; None if the cache is not for it."""
    directory = arrival.gateway.directory
    wish = await directory.gateway_settings(arrival.caller.organization.pk)
    asked = canonical(arrival.call) if wish.caches_answers else None
    if asked is None or UNKEPT in arrival.request.header(b"cache-control").lower():
        return None
    return arrival.gateway.answer_cache.slot(wish, arrival.upstream.origin, asked)


async def answered_from_cache(arrival: Arrival, slot: Slot) -> bool:
    """
    Answer a call from the cache if its answer is there; a header says so.

    A hit holds nothing, and is recorded at no cost with the tokens of the answer.
    """
    request = arrival.request
    if ANEW in request.header(b"cache-control").lower():
        request.added_headers.append((HEADER, b"bypass"))
        return False
    cached = await slot.find()
    request.added_headers.append((HEADER, b"hit" if cached else b"miss"))
    if cached is None:
        return False
    await arrival.gateway.books.settle(recorded(arrival, cached))
    headers = [(b"content-type", cached.content_type)]
    if not arrival.call.streamed:
        headers.append((b"x-tokenhouse-cost-usd", b"0"))
    if arrival.claim is not None:
        await keep_too(arrival.claim, request, cached, headers)
    await request.answer(200, cached.body, headers)
    return True


def recorded(arrival: Arrival, cached: Cached) -> Settlement:
    """Return the record of a cached answer: nothing was held for it, nor priced."""
    return settlement(
        arrival.hold(price_id=NO_PRICE, bound_nanos=0),
        outcome=Outcome.CACHED,
        status_code=200,
        tokens=cached.tokens,
        cost_nanos=0,
        latency_ms=arrival.request.elapsed_ms(),
    )


async def keep_too(
    claim: Claim, request: Request, cached: Cached, headers: Headers
) -> None:
    """Keep a cached answer for its idempotency key: the cache may lose it."""
    answer = Transcript()
    answer.begin(200, [*headers, *request.added_headers])
    answer.add(cached.body)
    await claim.keep(answer)
