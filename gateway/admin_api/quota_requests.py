"""
Requests for a higher approved limit, in the envelope of OpenAI's lists.

OpenAI has none. They are those of the limits page: made and withdrawn by the same
actions, decided by the operator.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from billing.actions.quota import (
    NotAnIncrease,
    NothingToRaise,
    NotPending,
    RequestPending,
    WrongEnd,
    request_increase,
    withdraw_request,
)
from billing.models import QuotaRequest, QuotaStatus
from billing.quota import DAYS_RAISED_MAX
from billing.quota_models import LONGEST_REASON
from core.money import NANOS_PER_CENT
from gateway import errors
from gateway.admin_api.bodies import Fields, fields_of
from gateway.admin_api.door import ApiRequest, admin_resource
from gateway.admin_api.lists import Listing, one_of, page_of, unix
from gateway.admin_api.parameters import choice
from gateway.admin_api.spend_limit import FIELDS, cents_in

KIND = "organization.quota_increase_request"
DAY_LENGTH = len("2026-01-01")


def list_requests(request: ApiRequest) -> dict[str, Any]:
    """List what was asked for, of one `status` if it is given."""
    rows = requests_of(request)
    statuses = {str(status): status for status in QuotaStatus}
    status = choice(request.GET, "status", statuses, default=None)
    asked = rows if status is None else rows.filter(status=status)
    # A cursor holds when the request that it names was decided meanwhile.
    return page_of(request, asked, request_of, Listing(known=("status",)), once=rows)


def retrieve_request(request: ApiRequest, request_id: str) -> dict[str, Any]:
    return request_of(one_of(requests_of(request), public_id=request_id))


def create_request(request: ApiRequest) -> dict[str, Any]:
    """Ask the operator for a higher approved limit, for good or until a day."""
    fields = fields_of(request, (*FIELDS, "until", "reason"))
    try:
        made = request_increase(
            organization=request.organization,
            amount_nanos=cents_in(fields, least=1),
            until=day_in(fields, "until"),
            reason=fields.prose("reason", longest=LONGEST_REASON),
            acting_user=request.maker,
            now=timezone.now(),
        )
    except NothingToRaise:
        raise errors.no_approved_limit() from None
    except NotAnIncrease:
        raise errors.not_an_increase() from None
    except WrongEnd:
        message = f"'until' must be today (UTC) to {DAYS_RAISED_MAX} days away."
        raise errors.malformed(message, "until") from None
    except RequestPending:
        raise errors.quota_request_pending() from None
    return request_of(made)


def withdraw(request: ApiRequest, request_id: str) -> dict[str, Any]:
    """Take back a request that is not decided yet."""
    fields_of(request, ())
    found = one_of(requests_of(request), public_id=request_id)
    try:
        withdrawn = withdraw_request(
            request=found, acting_user=request.maker, now=timezone.now()
        )
    except NotPending:
        raise errors.quota_request_closed() from None
    return request_of(withdrawn)


def requests_of(request: ApiRequest) -> QuerySet[QuotaRequest]:
    rows = QuotaRequest.objects.filter(organization=request.organization)
    return rows.select_related("requested_by")


def day_in(fields: Fields, name: str) -> date | None:
    if not fields.has(name):
        return None
    text = fields.text(name, longest=DAY_LENGTH)
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise errors.malformed(f"'{name}' must be a date: YYYY-MM-DD.", name) from None


def request_of(row: QuotaRequest) -> dict[str, Any]:
    granted_nanos = row.granted_nanos
    return {
        "object": KIND,
        "id": row.public_id,
        "status": row.status,
        "currency": "USD",
        "interval": "month",
        # Amounts finer than a cent are told as the cents that fit.
        "threshold_amount": row.requested_nanos // NANOS_PER_CENT,
        "until": day_text(row.requested_until),
        "reason": row.reason,
        "threshold_amount_before": row.limit_before_nanos // NANOS_PER_CENT,
        "granted_amount": None
        if granted_nanos is None
        else granted_nanos // NANOS_PER_CENT,
        "granted_until": day_text(row.granted_until),
        "message": row.message or None,
        "requested_by": row.requested_by and row.requested_by.public_id,
        "created_at": unix(row.created_at),
        "decided_at": unix(row.decided_at),
    }


def day_text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


quota_requests = admin_resource(GET=list_requests, POST=create_request)
quota_request = admin_resource(GET=retrieve_request)
quota_withdrawal = admin_resource(POST=withdraw)
