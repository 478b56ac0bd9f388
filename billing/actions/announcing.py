"""Tell of alerts that were just written: by mail and by webhook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from django.db import connection

from billing.addressees import Addressee, addressees_of, name_of_subject
from billing.alert_events import event_data
from billing.alert_mail import queue_mail_of
from billing.alert_models import AlertNotice, AlertSettings, Suppression
from billing.models import Alert, AlertKind
from keys.actions.webhooks import queue_event
from orgs.models import AuditEvent, Organization, User

# What somebody has to see to: asked for again where an organization wants that.
ESCALATED = {
    AlertKind.SOFT_LIMIT,
    AlertKind.FORECAST_LIMIT,
    AlertKind.HARD_LIMIT,
    AlertKind.APPROVED_LIMIT_REACHED,
    AlertKind.UNUSUAL_SPEND,
}


def announce(
    organization: Organization, alerts: Iterable[Alert], *, now: datetime
) -> None:
    """
    Tell of new alerts of an organization, in one mail for each kind and subject.

    Runs inside the transaction that wrote them, so that each is told by whoever wrote
    it, once. Of several amounts the highest is told, with the others in its mail.
    """
    assert connection.in_atomic_block, "an alert is told as it is written"
    ordered = sorted(alerts, key=lambda a: (a.kind, a.subject_id, -a.limit_nanos))
    for _, together in groupby(ordered, key=lambda a: (a.kind, a.subject_id)):
        announce_together(organization, list(together), now=now)


def announce_together(
    organization: Organization, alerts: Sequence[Alert], *, now: datetime
) -> None:
    highest, *lower = alerts
    addressees = addressees_of(organization, alerts)
    highest.subject_name = name_of_subject(highest)
    if highest.kind == AlertKind.HARD_LIMIT_LIFTED:
        highest.changed_by = who_set_the_hard_limit(organization)
    highest.next_escalation_at = first_escalation(organization, highest, now=now)
    highest.save(update_fields=["subject_name", "changed_by", "next_escalation_at"])
    for alert in lower:
        alert.is_covered = True
        alert.save(update_fields=["is_covered"])
    write_notices(highest, addressees, now=now)
    for alert in lower:
        covered = [
            Addressee(each.address, each.role, each.suppression or Suppression.COVERED)
            for each in addressees
        ]
        write_notices(alert, covered, now=now)
    told = [each.address for each in addressees if not each.suppression]
    queue_mail_of(organization, alerts, recipients=told, now=now)
    for alert in alerts:
        queue_event(
            organization=organization,
            event_id=alert.public_id,
            kind=f"alert.{alert.kind}",
            data=event_data(organization, alert),
            now=now,
        )


def write_notices(
    alert: Alert, addressees: Iterable[Addressee], *, now: datetime
) -> None:
    AlertNotice.objects.bulk_create(
        AlertNotice(
            organization_id=alert.organization_id,
            alert=alert,
            recipient=each.address,
            role=each.role,
            suppression=each.suppression,
            created_at=now,
        )
        for each in addressees
    )


def who_set_the_hard_limit(organization: Organization) -> User | None:
    """Return who last set or removed it, as the audit log has it."""
    changes = AuditEvent.objects.filter(
        organization=organization, action="spend_limit.updated"
    )
    last = changes.select_related("actor").order_by("-pk").first()
    return last.actor if last else None


def first_escalation(
    organization: Organization, alert: Alert, *, now: datetime
) -> datetime | None:
    """Return when the first owner is asked by name, if the organization wants that."""
    if alert.kind not in ESCALATED:
        return None
    found = AlertSettings.objects.filter(organization=organization).first()
    if found is None or found.escalate_after_min is None:
        return None
    return now + timedelta(minutes=found.escalate_after_min)
