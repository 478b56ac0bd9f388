"""
Raises of the approved limit that end by themselves.

A row says what the limit reverts to and when. The limits' row is locked first.
"""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from billing.actions.limits import change_approved_limit, locked_limits
from billing.models import QuotaRequest, TemporaryRaise
from billing.quota import ANNOUNCED_BEFORE, end_of
from billing.quota_mail import queue_raise_mail
from billing.quota_models import RaiseEnding
from orgs.models import Organization, User

BATCH_MAX = 100


def raise_under_way(organization: Organization) -> TemporaryRaise | None:
    return TemporaryRaise.objects.filter(
        organization=organization, ended_at__isnull=True
    ).first()


def begin_raise(
    *,
    request: QuotaRequest,
    amount_nanos: int,
    until: date,
    acting_user: User,
    now: datetime,
) -> TemporaryRaise:
    """
    Raise the approved limit until the end of a day (UTC).

    Runs in the caller's transaction, which has locked the limits. One that is under
    way is superseded, and its base is the new one's.
    """
    organization = request.organization
    limit_nanos = locked_limits(organization).approved_limit_nanos
    assert limit_nanos is not None, "there is a limit to raise"
    before = raise_under_way(organization)
    supersede_raise(organization, now=now)
    change_approved_limit(
        organization=organization,
        amount_nanos=amount_nanos,
        acting_user=acting_user,
        now=now,
    )
    return TemporaryRaise.objects.create(
        organization=organization,
        request=request,
        raised_nanos=amount_nanos,
        reverts_to_nanos=before.reverts_to_nanos if before else limit_nanos,
        ends_at=end_of(until),
    )


def supersede_raise(organization: Organization, *, now: datetime) -> None:
    """End a raise that is under way, because the limit is set by something else."""
    rows = TemporaryRaise.objects.filter(
        organization=organization, ended_at__isnull=True
    )
    rows.update(ended_at=now, ending=RaiseEnding.SUPERSEDED)


def announce_ending_raises(*, now: datetime) -> int:
    """Tell the owners two days ahead that a raise ends; return of how many raises."""
    soon = TemporaryRaise.objects.filter(
        ended_at__isnull=True,
        announced_at__isnull=True,
        ends_at__gt=now,
        ends_at__lte=now + ANNOUNCED_BEFORE,
    )
    return sum(announce(each, now=now) for each in soon.order_by("pk")[:BATCH_MAX])


@transaction.atomic
def announce(raised: TemporaryRaise, *, now: datetime) -> bool:
    locked = locked_raise(raised)
    if locked is None or locked.announced_at is not None:
        return False
    locked.announced_at = now
    locked.save(update_fields=["announced_at"])
    queue_raise_mail(locked, now=now)
    return True


def revert_ended_raises(*, now: datetime) -> int:
    """
    Set approved limits back whose raise is over; return how many.

    Safe to repeat and to run many times at once.
    """
    over = TemporaryRaise.objects.filter(ended_at__isnull=True, ends_at__lte=now)
    return sum(revert(each, now=now) for each in over.order_by("pk")[:BATCH_MAX])


@transaction.atomic
def revert(raised: TemporaryRaise, *, now: datetime) -> bool:
    locked = locked_raise(raised)
    if locked is None:
        return False
    locked.ended_at, locked.ending = now, RaiseEnding.REVERTED
    locked.save(update_fields=["ended_at", "ending"])
    change_approved_limit(
        organization=locked.organization,
        amount_nanos=locked.reverts_to_nanos,
        acting_user=None,
        now=now,
    )
    queue_raise_mail(locked, now=now)
    return True


def locked_raise(raised: TemporaryRaise) -> TemporaryRaise | None:
    """Lock the limits and return the raise as it is now; None if it has ended."""
    locked_limits(raised.organization)
    rows = TemporaryRaise.objects.select_related("organization", "request")
    return rows.filter(pk=raised.pk, ended_at__isnull=True).first()
