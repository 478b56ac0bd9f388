"""Reading rate limits, for the gateway's directory and for the limits page."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Q, QuerySet

from billing.models import RateLimit
from billing.rate_limits import RateRule
from keys.models import ApiKey, ApiKeyKind
from keys.queries import keys_visible_to
from orgs.models import Membership, Organization


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


def rate_limits_visible_to(membership: Membership) -> QuerySet[RateLimit]:
    """Return an owner's view (all of them), or a reader's: not others' keys."""
    limits = RateLimit.objects.filter(organization=membership.organization)
    if not membership.is_owner:
        own = keys_visible_to(membership).values("pk")
        limits = limits.filter(Q(api_key=None) | Q(api_key__in=own))
    whole_first = F("api_key__name").asc(nulls_first=True)
    return limits.select_related("api_key").order_by(whole_first, "model", "pk")


def limitable_keys(organization: Organization, *, now: datetime) -> QuerySet[ApiKey]:
    """Return the keys that make requests in the organization."""
    keys = ApiKey.objects.usable_in(organization).live(at=now)
    return (
        keys.exclude(kind=ApiKeyKind.ADMIN)
        .select_related("user")
        .order_by("name", "pk")
    )
