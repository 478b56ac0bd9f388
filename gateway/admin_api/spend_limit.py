"""The hard limit in OpenAI's shape: in whole cents, per month."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from billing.queries import standing_of
from core.money import NANOS_PER_CENT
from gateway import errors
from gateway.admin_api.door import ApiRequest, admin_view


@admin_view
def spend_limit(request: ApiRequest) -> dict[str, Any]:
    """Tell the hard limit, and whether requests are refused for it just now."""
    standing = standing_of(request.organization, now=timezone.now())
    limit_nanos = standing.funding.hard_limit_nanos
    if limit_nanos is None:
        raise errors.ApiError(404, "No spend limit is set.", code="not_found")
    return {
        "object": "organization.spend_limit",
        # A limit finer than a cent is told as the cents that fit.
        "threshold_amount": limit_nanos // NANOS_PER_CENT,
        "currency": "USD",
        "interval": "month",
        "enforcement": {"status": "enforcing" if standing.is_enforcing else "inactive"},
    }
