"""Why a call that could not be held is refused."""

from __future__ import annotations

from billing.limits import Refusal
from gateway import errors
from gateway.auth import Caller
from gateway.clamping import longest_fit
from gateway.exchange import Exchange
from gateway.model_list import model_is_known
from gateway.upstream import Upstream


async def unpriced(exchange: Exchange, upstream: Upstream) -> errors.ApiError:
    """Return the refusal of an unpriced model: unknown to the provider, or just so."""
    model = exchange.call.model
    if await model_is_known(upstream, model):
        return errors.model_not_priced(model)
    return errors.model_not_found(model)


def quota_exceeded(
    exchange: Exchange, caller: Caller, refusal: Refusal
) -> errors.ApiError:
    organization = caller.organization
    page = f"o/{organization.slug}/usage/refusals/ref_{exchange.request.event_id.hex}"
    return errors.quota_exceeded(
        refusal,
        organization=organization.name,
        cycle_start=exchange.hold.cycle_start,
        help_url=f"{exchange.gateway.base_url}/{page}",
        length_param=exchange.call.length_param,
        fitting_tokens=fitting_tokens(exchange, refusal),
    )


def fitting_tokens(exchange: Exchange, refusal: Refusal) -> int | None:
    """Return how long an answer would fit, for whoever is refused."""
    if exchange.rates is None or refusal.bound_nanos is None:
        return None
    return longest_fit(exchange.call, exchange.rates, refusal.left_nanos)
