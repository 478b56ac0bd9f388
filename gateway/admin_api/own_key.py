"""`GET /v1/key`: what is left for the key that asks. Ours; OpenAI has no such thing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from billing.caller_funding import funding_of_caller
from billing.limits import Room, headroom
from billing.rate_limit_list import rate_rules_of
from billing.rate_limits import RateRule
from core.periods import cycle_interval, cycle_of
from gateway.admin_api.amounts import dollars
from gateway.admin_api.door import ApiRequest, key_view


@key_view
def own_key(request: ApiRequest) -> dict[str, Any]:
    """Tell the limits of the key that asks, which of them binds, and its rates."""
    now, key = timezone.now(), request.api_key
    caller = funding_of_caller(request.organization, key, now=now)
    left = headroom(caller.funding)
    rules = rate_rules_of(request.organization.pk)
    return {
        "object": "key",
        "id": key.public_id,
        "name": key.name,
        "kind": key.kind,
        "environment": key.environment,
        "organization_id": request.organization.public_id,
        "expires_at": unix(key.expires_at),
        "models": list(key.models_allowed) or None,
        "spent_usd": dollars(caller.key.spent_nanos),
        "held_usd": dollars(caller.key.held_nanos),
        "remaining_usd": None if left.nanos is None else dollars(left.nanos),
        "limited_by": None if left.binding is None else left.binding.value,
        "resets_at": unix(cycle_interval(cycle_of(now)).end),
        "limits": [limit(room) for room in caller.funding.rooms()],
        "rate_limits": [
            rate(rule) for rule in rules if rule.api_key_id in (None, key.pk)
        ],
    }


def limit(room: Room) -> dict[str, Any]:
    return {
        "kind": room.binding.value,
        "limit_usd": dollars(room.limit_nanos),
        "spent_usd": dollars(room.spent_nanos),
        "held_usd": dollars(room.held_nanos),
        "remaining_usd": dollars(max(room.left_nanos, 0)),
    }


def rate(rule: RateRule) -> dict[str, Any]:
    return {
        "id": rule.public_id,
        "of": "organization" if rule.api_key_id is None else "key",
        "model": rule.model or None,
        "max_requests_per_1_minute": rule.requests_per_minute,
        "max_tokens_per_1_minute": rule.tokens_per_minute,
    }


def unix(instant: datetime | None) -> int | None:
    return None if instant is None else int(instant.timestamp())
