"""
The hard limit in OpenAI's shape: in whole cents, per month.

A limit of a request holds from its answer on: the gateway reads it for each one.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from billing.actions.limits import set_hard_limit
from billing.queries import standing_of
from core.money import LARGEST_AMOUNT_NANOS, NANOS_PER_CENT
from gateway import errors
from gateway.admin_api.bodies import Fields, fields_of
from gateway.admin_api.door import ApiRequest, admin_resource

FIELDS = ("threshold_amount", "currency", "interval")


def cents_in(fields: Fields, *, least: int) -> int:
    """Return the amount that is asked for, a month's, in nano-dollars."""
    fields.choice("currency", {"USD": "USD"})
    fields.choice("interval", {"month": "month"})
    most = LARGEST_AMOUNT_NANOS // NANOS_PER_CENT
    cents = fields.whole_number("threshold_amount", least=least, most=most)
    return cents * NANOS_PER_CENT


def update(request: ApiRequest) -> dict[str, Any]:
    """Set the hard limit: requests that would pass it are refused."""
    amount_nanos = cents_in(fields_of(request, FIELDS), least=0)
    change(request, amount_nanos)
    return retrieve(request)


def delete(request: ApiRequest) -> dict[str, Any]:
    """Take the hard limit away."""
    retrieve(request)
    change(request, None)
    return {"object": "organization.spend_limit.deleted", "deleted": True}


def change(request: ApiRequest, amount_nanos: int | None) -> None:
    set_hard_limit(
        organization=request.organization,
        amount_nanos=amount_nanos,
        acting_user=request.maker,
        now=timezone.now(),
    )


def retrieve(request: ApiRequest) -> dict[str, Any]:
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


spend_limit = admin_resource(GET=retrieve, POST=update, DELETE=delete)
