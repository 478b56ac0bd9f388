"""
The life of a request, in its order: authenticate, bound, hold, forward, settle.

docs/architecture.md tells it as a whole; `gateway.relay` is its last part.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from billing.limits import Refusal
from billing.pricing import Rates, Tokens
from core.ids import event_time
from gateway import errors, metrics
from gateway.arrivals import Arrival
from gateway.auth import Caller, authenticate
from gateway.books import BooksUnreachable
from gateway.cached_answers import answered_from_cache, find_slot
from gateway.calls import Call, NotBounded, bound_nanos, free_rates
from gateway.calls.tiers import rates_asked_for
from gateway.clamping import hold_what_fits
from gateway.exchange import Exchange
from gateway.idempotency import Claim, once
from gateway.messages import Request
from gateway.receiving import receive_call
from gateway.refusals import quota_exceeded, unpriced
from gateway.relay import refusal_of, relay
from gateway.service import Gateway
from gateway.upstream import Lost, NotDispatched, Upstream
from usage.models import Endpoint, Outcome


async def begin(arrival: Arrival) -> Exchange:
    """
    Take a call up to its committed hold.

    :raises ApiError: for every refusal; then nothing is held and nothing was sent.
    """
    gateway, request, call = arrival.gateway, arrival.request, arrival.call
    call.is_simulated = arrival.simulated
    await gateway.rate_limiter.admit(request, arrival.caller, call)
    book = await gateway.directory.price_book(arrival.caller.organization.pk)
    at = event_time(request.event_id)
    rates = rates_asked_for(call.body, book, at) or free_rates(call)
    if rates is None and arrival.simulated:
        raise errors.model_not_found(call.model)
    bound, unbounded = bound_of(call, rates)
    hold = arrival.hold(price_id=rates.price_id if rates else 0, bound_nanos=bound)
    exchange = Exchange(
        gateway, request, call, hold, rates, book, arrival.claim, arrival.slot
    )
    refusal = await place_hold(exchange)
    if refusal is not None and bound is not None:
        refusal = await hold_what_fits(exchange, refusal, place_hold)
    if refusal is None:
        return exchange
    if unbounded is not None:
        raise errors.not_bounded(unbounded.param, unbounded.reason)
    if rates is None:
        raise await unpriced(exchange, arrival.upstream)
    raise quota_exceeded(exchange, arrival.caller, refusal)


async def identify(gateway: Gateway, request: Request) -> Caller:
    """Return the caller and name the organization in the answer's headers."""
    now = datetime.now(UTC)
    caller = await authenticate(request, gateway.directory, now=now)
    if caller.former_key_id is not None:
        gateway.former_uses.note(caller.former_key_id, at=now)
    request.organization_id = caller.organization.public_id
    return caller


async def choose_upstream(gateway: Gateway, caller: Caller) -> tuple[Upstream, bool]:
    """Return who answers, and whether that is the sandbox."""
    access = await gateway.directory.provider_access(caller.organization.pk)
    if access is not None:
        provider = gateway.client.provider(
            base_url=access.base_url, secret=access.secret
        )
        return provider, False
    if caller.organization.is_staging:
        return gateway.sandbox, True
    raise errors.provider_not_configured()


def bound_of(call: Call, rates: Rates | None) -> tuple[int | None, NotBounded | None]:
    """
    Return the bound of a call, or None and why there is none.

    What has no price or no bound is held only where no limit applies: the books
    decide that, under the budget's lock.
    """
    if rates is None:
        return None, None
    try:
        return bound_nanos(call, rates), None
    except NotBounded as error:
        return None, error


async def place_hold(exchange: Exchange) -> Refusal | None:
    """Hold the bound of a call; None if it stands, committed."""
    books = exchange.gateway.books
    try:
        return await books.hold(exchange.hold)
    except BooksUnreachable:
        raise errors.budget_unavailable() from None
    except asyncio.CancelledError:
        books.release(exchange.hold.as_release())
        raise


async def forward(exchange: Exchange, upstream: Upstream) -> None:
    """
    Dispatch a held call, relay its answer and settle it.

    Whatever happens, the hold ends here: in a settlement, or in a release if
    nothing was sent.
    """
    if exchange.claim is not None:
        await begin_claim(exchange, exchange.claim)
    metrics.ADDED_SECONDS.observe(exchange.request.elapsed_s())
    try:
        answer = await upstream.send(
            "POST", exchange.call.path, exchange.call.sent, exchange.request.headers
        )
    except NotDispatched:
        metrics.UPSTREAM_ERRORS.labels("unreachable").inc()
        give_back(exchange)
        raise errors.upstream_unreachable() from None
    except Lost as error:
        refusal = refusal_of(error)
        await exchange.settle(Outcome.PROVIDER_LOST, refusal.status, None)
        raise refusal from None
    except BaseException:
        # Stopped while sending: it may have arrived.
        exchange.stop()
        raise
    exchange.forget_body()
    try:
        await relay(exchange, answer)
    finally:
        exchange.stop()
        await answer.close()


async def begin_claim(exchange: Exchange, claim: Claim) -> None:
    """Note that a claimed call is sent now, or give its hold back if it must not be."""
    try:
        await claim.begin()
    except BaseException:
        give_back(exchange)
        raise


def give_back(exchange: Exchange) -> None:
    """Release the hold of a call that was not sent; if it was swept, correct that."""
    books = exchange.gateway.books
    if exchange.claim is not None:
        exchange.claim.is_sent = False
    books.release(exchange.hold.as_release())
    nothing = exchange.settlement(Outcome.PROVIDER_LOST, 502, Tokens())
    books.settle_soon(replace(nothing, only_if_estimated=True))


async def serve_call(
    gateway: Gateway, request: Request, endpoint: Endpoint, path: str
) -> None:
    """Serve one request to a model from its key to its settlement, or refuse it."""
    caller = await identify(gateway, request)
    try:
        await serve_caller(gateway, request, caller, endpoint, path)
    except errors.ApiError as error:
        if not request.has_record:
            gateway.refused_requests.note(request, caller, endpoint, error)
        raise


async def serve_caller(
    gateway: Gateway, request: Request, caller: Caller, endpoint: Endpoint, path: str
) -> None:
    caller.require_not_suspended()
    call = await receive_call(gateway, request, caller, endpoint, path)
    request.model = call.model
    caller.require_model(call.model)
    async with once(gateway, request, caller, call) as (is_first, claim):
        if not is_first:
            return
        upstream, simulated = await choose_upstream(gateway, caller)
        arrival = Arrival(gateway, request, caller, call, upstream, simulated, claim)
        arrival.slot = await find_slot(arrival)
        if arrival.slot and await answered_from_cache(arrival, arrival.slot):
            gateway.key_uses.note(request, caller, call.model)
            return
        exchange = await begin(arrival)
        gateway.key_uses.note(request, caller, call.model)
        await forward(exchange, upstream)
