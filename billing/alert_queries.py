"""The alert ledger as its page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from billing.alert_mail import headline
from billing.alert_models import (
    AlertNotice,
    AlertSettings,
    NoticeRole,
    Suppression,
)
from billing.models import Alert
from orgs.models import Organization, OutboxMail

PAGE_LENGTH = 30


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """Somebody who was told, with the mail; or why there is none."""

    notice: AlertNotice
    mail: OutboxMail | None

    @property
    def is_covered(self) -> bool:
        return self.notice.suppression == Suppression.COVERED


@dataclass(frozen=True, slots=True)
class AlertRow:
    alert: Alert
    headline: str
    notices: tuple[NoticeRow, ...]


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Alerts, newest first. `older` is where the next page begins, if there is one."""

    rows: Sequence[AlertRow]
    older: int | None


def page_of_alerts(organization: Organization, *, before: int | None) -> AlertPage:
    """Return a page of the ledger, from the alert older than `before` on."""
    alerts = Alert.objects.filter(organization=organization).order_by("-pk")
    if before is not None:
        alerts = alerts.filter(pk__lt=before)
    found = list(
        alerts.select_related("acknowledged_by", "changed_by").prefetch_related(
            "notices"
        )[: PAGE_LENGTH + 1]
    )
    shown = found[:PAGE_LENGTH]
    mails = mails_of(organization, shown)
    rows = [AlertRow(each, headline(each), notice_rows(each, mails)) for each in shown]
    return AlertPage(rows, shown[-1].pk if len(found) > PAGE_LENGTH else None)


def mails_of(
    organization: Organization, alerts: Sequence[Alert]
) -> dict[tuple[str, str], OutboxMail]:
    """Return the mails about alerts, by cause and recipient; without what they say."""
    keys = [key for each in alerts for key in (each.dedupe_key, each.escalation_key)]
    mails = OutboxMail.objects.filter(organization=organization, dedupe_key__in=keys)
    return {
        (mail.dedupe_key, mail.recipient): mail
        for mail in mails.defer("body_text", "body_html")
    }


def notice_rows(
    alert: Alert, mails: dict[tuple[str, str], OutboxMail]
) -> tuple[NoticeRow, ...]:
    rows = []
    for notice in sorted(alert.notices.all(), key=lambda each: each.pk):
        is_asked = notice.role == NoticeRole.ESCALATION
        cause = alert.escalation_key if is_asked else alert.dedupe_key
        mail = None if notice.suppression else mails.get((cause, notice.recipient))
        rows.append(NoticeRow(notice, mail))
    return tuple(rows)


def escalation_of(organization: Organization) -> AlertSettings | None:
    """Return the settings of alerts, with who changed them last."""
    rows = AlertSettings.objects.select_related("updated_by")
    return rows.filter(organization=organization).first()
