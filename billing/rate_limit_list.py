"""Reading rate limits, for the gateway's directory."""

from __future__ import annotations

from billing.models import RateLimit
from billing.rate_limits import RateRule


def rate_rules_of(organization_id: int) -> tuple[RateRule, ...]:
    """Return the rate limits of an organization; usually there are none."""
    limits = RateLimit.objects.filter(organization_id=organization_id)
    return tuple(
        RateRule(
            public_id=limit.public_id,
            api_key_id=limit.api_key_id,
            key_name=limit.api_key.name if limit.api_key else "",
            model=limit.model,
            requests_per_minute=limit.requests_per_minute,
            tokens_per_minute=limit.tokens_per_minute,
        )
        for limit in limits.select_related("api_key").order_by("pk")
    )
