"""Owners take note of alerts; who does not is followed by the next owner."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction

from billing.alert_mail import queue_escalation_mail
from billing.alert_models import (
    ESCALATION_LONGEST_MIN,
    ESCALATION_SHORTEST_MIN,
    AlertNotice,
    AlertSettings,
    NoticeRole,
)
from billing.models import Alert
from core.periods import cycle_interval
from orgs import audit
from orgs.models import Membership, Organization, Role, User

logger = logging.getLogger(__name__)

BATCH_MAX = 100


@transaction.atomic
def acknowledge_alert(*, alert: Alert, acting_user: User, now: datetime) -> bool:
    """
    Note that somebody saw to an alert; nobody else is asked then.

    Of two at once the first is noted. Returns whether this was it.
    """
    unseen = Alert.objects.filter(pk=alert.pk, acknowledged_at__isnull=True)
    if not unseen.update(
        acknowledged_at=now, acknowledged_by=acting_user, next_escalation_at=None
    ):
        return False
    audit.record(
        organization=alert.organization,
        actor=acting_user,
        action="alert.acknowledged",
        target=alert.public_id,
        details={"kind": alert.kind},
        now=now,
    )
    return True


@transaction.atomic
def set_escalation(
    *,
    organization: Organization,
    after_min: int | None,
    acting_user: User,
    now: datetime,
) -> None:
    """
    Set after how many minutes the next owner is asked; None means never.

    Counts for later alerts; of earlier ones nobody is asked any more once it is off.
    Safe to repeat: the same again changes and records nothing.
    """
    assert after_min is None or (
        ESCALATION_SHORTEST_MIN <= after_min <= ESCALATION_LONGEST_MIN
    )
    AlertSettings.objects.get_or_create(organization=organization)
    settings = AlertSettings.objects.select_for_update(no_key=True).get(
        organization=organization
    )
    before = settings.escalate_after_min
    if before == after_min:
        return
    settings.escalate_after_min = after_min
    settings.updated_at, settings.updated_by = now, acting_user
    settings.save(update_fields=["escalate_after_min", "updated_at", "updated_by"])
    audit.record(
        organization=organization,
        actor=acting_user,
        action="alert_settings.updated",
        target=organization.public_id,
        details={
            "before": {"escalate_after_min": before},
            "after": {"escalate_after_min": after_min},
        },
        now=now,
    )


def escalate_alerts(*, now: datetime) -> int:
    """
    Ask the next owner about each alert of which nobody took note in time.

    Returns how many were asked. Safe to repeat and to run many times at once: each
    alert is taken by one, and each owner is asked once.
    """
    asked = 0
    for _ in range(BATCH_MAX):
        with transaction.atomic():
            alert = next_unseen(now)
            if alert is None:
                break
            asked += ask_next_owner(alert, now=now)
    return asked


def next_unseen(now: datetime) -> Alert | None:
    """Claim the alert that waits longest, for the rest of the transaction."""
    due = Alert.objects.filter(next_escalation_at__lte=now)
    locked = due.select_for_update(skip_locked=True, of=("self",))
    return (
        locked.select_related("organization")
        .order_by("next_escalation_at", "pk")
        .first()
    )


def ask_next_owner(alert: Alert, *, now: datetime) -> bool:
    """Ask one owner, and say when the next one is asked; False if nobody is left."""
    pause = pause_of(alert, now=now)
    owner = next_owner(alert) if pause else None
    alert.next_escalation_at = now + pause if pause and owner else None
    alert.save(update_fields=["next_escalation_at"])
    if owner is None:
        return False
    AlertNotice.objects.create(
        organization_id=alert.organization_id,
        alert=alert,
        recipient=owner.email,
        role=NoticeRole.ESCALATION,
        created_at=now,
    )
    queue_escalation_mail(alert, owner, now=now)
    audit.record(
        organization=alert.organization,
        actor=None,
        action="alert.escalated",
        target=alert.public_id,
        details={"kind": alert.kind, "to": owner.email},
        now=now,
    )
    return True


def pause_of(alert: Alert, *, now: datetime) -> timedelta | None:
    """Return how long each owner has; None once it is off, or the cycle is over."""
    settings = AlertSettings.objects.filter(organization=alert.organization).first()
    if settings is None or settings.escalate_after_min is None:
        return None
    if now >= cycle_interval(alert.cycle_start).end:
        return None
    return timedelta(minutes=settings.escalate_after_min)


def next_owner(alert: Alert) -> User | None:
    """Return the owner to ask: first who was not told at all, then the longest one."""
    notices = list(alert.notices.all())
    asked = {each.recipient for each in notices if each.role == NoticeRole.ESCALATION}
    told = {each.recipient for each in notices if not each.suppression}
    memberships = Membership.objects.filter(
        organization=alert.organization, role=Role.OWNER, user__is_active=True
    ).select_related("user")
    left = [
        each.user
        for each in memberships.order_by("created_at", "pk")
        if each.user.email not in asked
    ]
    return min(left, key=lambda user: user.email in told, default=None)
