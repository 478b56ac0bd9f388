"""Book the demo's requests."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace

from billing import booking
from billing.actions.sweep import execute
from billing.booking_types import Hold, Settlement, settlement
from billing.demo import script
from billing.demo.time import DemoTime
from billing.demo.traffic import Request, requests_of
from billing.price_book import PriceBook
from billing.price_list import load_price_book
from billing.pricing import Rates, cost_nanos, highest_cost_nanos
from keys.models import ApiKey
from orgs.models import Organization

DEFAULT_RECORDS = 6000
BATCH_MAX = 500
# No gateway ever has this id.
GATEWAY_ID = uuid.UUID(int=0)


def book_usage(
    keys: dict[str, ApiKey],
    payers: dict[str, Organization],
    time: DemoTime,
    *,
    records: int,
) -> int:
    """Book requests by each key, in batches as the gateway does; return how many."""
    prices = load_price_book()
    requests = requests_of(
        script.HABITS,
        start=time.start,
        end=time.end,
        count=records,
        # More requests are smaller ones, so that the limits still fit.
        size=min(1.0, DEFAULT_RECORDS / records),
        seed="tokenhouse",
    )
    for batch in batches_of(requests):
        settlements = [
            settlement_of(
                request,
                keys[request.habit.key],
                payers[request.habit.key],
                prices,
            )
            for request in batch
        ]
        booking.run(booking.book(settlements=settlements), execute)
    return len(requests)


def batches_of(requests: list[Request]) -> Iterator[list[Request]]:
    for first in range(0, len(requests), BATCH_MAX):
        yield requests[first : first + BATCH_MAX]


def settlement_of(
    request: Request, key: ApiKey, organization: Organization, prices: PriceBook
) -> Settlement:
    hold = Hold(
        event_id=request.event_id,
        organization_id=organization.pk,
        api_key_id=key.pk,
        user_id=key.user_id,
        gateway_id=GATEWAY_ID,
        endpoint=request.habit.endpoint,
        model=request.habit.model,
        simulated=organization.is_staging,
        streamed=request.streamed,
        price_id=0,
        bound_nanos=None,
    )
    rates = prices.of(organization.pk).find(hold.model, hold.occurred_at)
    assert rates is not None, f"the demo's models are priced: {hold.model}"
    bound = bound_of(request, rates)
    cost = bound if request.is_estimated else cost_nanos(rates, request.tokens)
    return settlement(
        replace(hold, price_id=rates.price_id, bound_nanos=bound),
        outcome=request.outcome,
        status_code=request.status_code,
        tokens=request.tokens,
        cost_nanos=cost,
        latency_ms=request.latency_ms,
        first_token_ms=request.first_token_ms,
        is_estimated=request.is_estimated,
    )


def bound_of(request: Request, rates: Rates) -> int:
    """Return what was held: more than was used, as nobody knew the answer's length."""
    given = max(request.tokens.input, request.habit.input_tokens)
    answered = max(2 * request.tokens.output, request.habit.output_tokens)
    return highest_cost_nanos(rates, input_tokens=given, output_tokens=answered)
