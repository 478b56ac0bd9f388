"""A call that has come in, before anything is held for it."""

from __future__ import annotations

from dataclasses import dataclass

from billing.booking_types import Hold
from gateway.answer_cache import Slot
from gateway.auth import Caller
from gateway.calls import Call
from gateway.idempotency import Claim
from gateway.messages import Request
from gateway.service import Gateway
from gateway.upstream import Upstream


@dataclass(slots=True)
class Arrival:
    """A call that has come in: who asks, for what, and who shall answer."""

    gateway: Gateway
    request: Request
    caller: Caller
    call: Call
    upstream: Upstream
    # Served by the sandbox.
    simulated: bool
    claim: Claim | None
    # Where the cache has its answer, or would keep it.
    slot: Slot | None = None

    def hold(self, *, price_id: int, bound_nanos: int | None) -> Hold:
        """Return the hold of this call, to be placed."""
        return Hold(
            event_id=self.request.event_id,
            organization_id=self.caller.organization.pk,
            api_key_id=self.caller.api_key_id,
            user_id=self.caller.user_id,
            gateway_id=self.gateway.presence.gateway_id,
            endpoint=self.call.endpoint,
            model=self.call.model[:120],
            simulated=self.simulated,
            streamed=self.call.streamed,
            price_id=price_id,
            bound_nanos=bound_nanos,
        )
