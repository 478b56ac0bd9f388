"""
Requests for a higher approved limit: made, withdrawn, decided, expired.

Each action locks the organization's row of limits first and then the request, so that
of two decisions at once the second finds the first. Owners and whoever asked are told
of each transition.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from billing.actions.funding import set_approved_limit
from billing.actions.limits import locked_limits
from billing.actions.raises import begin_raise, raise_under_way
from billing.models import QuotaRequest, QuotaStatus
from billing.quota import DAYS_PENDING_MAX, DAYS_RAISED_MAX, grants_all
from billing.quota_mail import queue_status_mail, queue_waiting_mail
from core.money import LARGEST_AMOUNT_NANOS
from orgs import audit
from orgs.models import Organization, User

BATCH_MAX = 100


class NothingToRaise(Exception):
    """The organization has no approved limit: none applies, or it is not opened yet."""


class NotAnIncrease(Exception):
    """The amount is not above the approved limit."""


class WrongEnd(Exception):
    """The last day is in the past, or too far away."""


class RequestPending(Exception):
    """The organization has a request that is not decided yet."""


class NotPending(Exception):
    """The request was withdrawn, decided, or has expired."""


@transaction.atomic
def request_increase(
    *,
    organization: Organization,
    amount_nanos: int,
    until: date | None,
    reason: str,
    acting_user: User,
    now: datetime,
) -> QuotaRequest:
    """
    Ask the operator for a higher approved limit, for good or until a day.

    :raises NothingToRaise, NotAnIncrease, WrongEnd: if it cannot be asked for so.
    :raises RequestPending: if there is one already; nothing is written then.
    """
    assert 0 < amount_nanos <= LARGEST_AMOUNT_NANOS
    limit_nanos = lasting_limit(organization)
    check_grant(limit_nanos, amount_nanos, until, now)
    pending = QuotaRequest.objects.filter(
        organization=organization, status=QuotaStatus.PENDING
    )
    if pending.exists():
        raise RequestPending
    request = QuotaRequest.objects.create(
        organization=organization,
        requested_by=acting_user,
        requested_nanos=amount_nanos,
        requested_until=until,
        reason=reason,
        limit_before_nanos=limit_nanos,
        created_at=now,
    )
    record(request, "created", acting_user, now, amount_nanos, until)
    queue_status_mail(request, now=now)
    queue_waiting_mail(request, now=now)
    return request


def lasting_limit(organization: Organization) -> int:
    """
    Lock the limits and return the approved limit that lasts: under a raise, its base.

    :raises NothingToRaise: if there is none.
    """
    limit_nanos = locked_limits(organization).approved_limit_nanos
    raised = raise_under_way(organization)
    if limit_nanos is None:
        raise NothingToRaise
    return raised.reverts_to_nanos if raised else limit_nanos


def check_grant(
    limit_nanos: int, amount_nanos: int, until: date | None, now: datetime
) -> None:
    if amount_nanos <= limit_nanos:
        raise NotAnIncrease
    if until is not None:
        days = (until - now.date()).days
        if not 0 <= days <= DAYS_RAISED_MAX:
            raise WrongEnd


@transaction.atomic
def withdraw_request(
    *, request: QuotaRequest, acting_user: User, now: datetime
) -> QuotaRequest:
    """Take a request back. :raises NotPending: if it is not open any more."""
    locked = locked_pending(request)
    return close(locked, QuotaStatus.WITHDRAWN, acting_user, now)


@transaction.atomic
def approve_request(
    *,
    request: QuotaRequest,
    amount_nanos: int,
    until: date | None,
    message: str,
    acting_user: User,
    now: datetime,
) -> QuotaRequest:
    """
    Raise the approved limit, as asked or less; with `until` it reverts by itself.

    The gateways go by it from the commit on.

    :raises NotPending: if it is not open any more; nothing is written then.
    :raises NothingToRaise, NotAnIncrease, WrongEnd: if it cannot be granted so.
    """
    assert 0 < amount_nanos <= LARGEST_AMOUNT_NANOS
    limit_nanos = lasting_limit(request.organization)
    locked = locked_pending(request)
    check_grant(limit_nanos, amount_nanos, until, now)
    is_all = grants_all(
        requested_nanos=locked.requested_nanos,
        requested_until=locked.requested_until,
        granted_nanos=amount_nanos,
        granted_until=until,
    )
    locked.granted_nanos, locked.granted_until = amount_nanos, until
    locked.message = message
    raise_limit(locked, amount_nanos, until, acting_user, now)
    status = QuotaStatus.APPROVED if is_all else QuotaStatus.PARTIALLY_APPROVED
    return close(locked, status, acting_user, now)


def raise_limit(
    request: QuotaRequest,
    amount_nanos: int,
    until: date | None,
    acting_user: User,
    now: datetime,
) -> None:
    """Set what was granted: until a day, for good, or for after a higher raise."""
    if until is not None:
        begin_raise(
            request=request,
            amount_nanos=amount_nanos,
            until=until,
            acting_user=acting_user,
            now=now,
        )
        return
    raised = raise_under_way(request.organization)
    if raised is not None and raised.raised_nanos > amount_nanos:
        raised.reverts_to_nanos = amount_nanos
        raised.save(update_fields=["reverts_to_nanos"])
        return
    set_approved_limit(
        organization=request.organization,
        amount_nanos=amount_nanos,
        acting_user=acting_user,
        now=now,
    )


@transaction.atomic
def deny_request(
    *, request: QuotaRequest, message: str, acting_user: User, now: datetime
) -> QuotaRequest:
    """Deny a request, saying why. :raises NotPending: if it is not open any more."""
    assert message
    locked = locked_pending(request)
    locked.message = message
    return close(locked, QuotaStatus.DENIED, acting_user, now)


def expire_requests(*, now: datetime) -> int:
    """
    End requests that nobody decided, or whose last day is over; return how many.

    Safe to repeat and to run many times at once.
    """
    pending = QuotaRequest.objects.filter(status=QuotaStatus.PENDING)
    oldest = now - timedelta(days=DAYS_PENDING_MAX)
    too_old = pending.filter(created_at__lt=oldest)
    too_late = pending.filter(requested_until__lt=now.date())
    return sum(
        expire(request, now=now)
        for request in (too_old | too_late).order_by("pk")[:BATCH_MAX]
    )


@transaction.atomic
def expire(request: QuotaRequest, *, now: datetime) -> bool:
    try:
        locked = locked_pending(request)
    except NotPending:
        return False  # decided meanwhile
    close(locked, QuotaStatus.EXPIRED, None, now)
    return True


def locked_pending(request: QuotaRequest) -> QuotaRequest:
    """Lock the limits, then the request. :raises NotPending: if it is not open."""
    locked_limits(request.organization)
    rows = QuotaRequest.objects.select_for_update(no_key=True, of=("self",))
    locked = rows.select_related("organization", "requested_by").get(pk=request.pk)
    if not locked.is_pending:
        raise NotPending
    return locked


def close(
    request: QuotaRequest, status: QuotaStatus, acting_user: User | None, now: datetime
) -> QuotaRequest:
    """Write what became of a locked request, with audit row and mails."""
    request.status, request.decided_by, request.decided_at = status, acting_user, now
    request.save(
        update_fields=[
            *("status", "decided_by", "decided_at", "message"),
            *("granted_nanos", "granted_until"),
        ]
    )
    record(
        request, status, acting_user, now, request.granted_nanos, request.granted_until
    )
    queue_status_mail(request, now=now)
    return request


def record(
    request: QuotaRequest,
    event: str,
    acting_user: User | None,
    now: datetime,
    amount_nanos: int | None,
    until: date | None,
) -> None:
    after: dict[str, Any] = {
        "amount_nanos": amount_nanos,
        "until": until and until.isoformat(),
    }
    details: dict[str, Any] = {"after": after} if amount_nanos is not None else {}
    if request.message:
        details["message"] = request.message
    audit.record(
        organization=request.organization,
        actor=acting_user,
        action=f"quota_request.{event}",
        target=request.public_id,
        details=details,
        now=now,
    )
