"""
Credit grants, in the envelope of OpenAI's lists.

OpenAI has none here. Only the operator grants and voids them: they are read.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from billing.credit_queries import state_of
from billing.models import CreditGrant
from gateway.admin_api.amounts import dollars
from gateway.admin_api.door import ApiRequest, admin_resource
from gateway.admin_api.lists import one_of, page_of, unix

KIND = "organization.credit_grant"


def list_grants(request: ApiRequest) -> dict[str, Any]:
    """List what was granted, also what is used up or over."""
    rows = CreditGrant.objects.filter(organization=request.organization)
    return page_of(request, rows, grant_of)


def retrieve_grant(request: ApiRequest, grant_id: str) -> dict[str, Any]:
    rows = CreditGrant.objects.filter(organization=request.organization)
    return grant_of(one_of(rows, public_id=grant_id))


def grant_of(grant: CreditGrant) -> dict[str, Any]:
    state = state_of(grant, now=timezone.now())
    return {
        "object": KIND,
        "id": grant.public_id,
        "name": grant.name,
        "kind": grant.kind,
        "status": state.name.lower(),
        "granted_amount": amount_of(grant.amount_nanos),
        "used_amount": amount_of(grant.consumed_nanos),
        # What can still be spent of it: nothing before it begins, or once it ended.
        "available_amount": amount_of(grant.left_nanos if state.can_pay else 0),
        "created_at": unix(grant.created_at),
        "effective_at": unix(grant.effective_at),
        "expires_at": unix(grant.expires_at),
        "voided_at": unix(grant.voided_at),
    }


def amount_of(nanos: int) -> dict[str, Any]:
    """Return dollars as the results of costs have them."""
    return {"value": dollars(nanos), "currency": "usd"}


credit_grants = admin_resource(GET=list_grants)
credit_grant = admin_resource(GET=retrieve_grant)
