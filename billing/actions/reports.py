"""Send weekly and monthly reports: each member one of a period, on their morning."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from billing.report_mail import queue_report_mail
from billing.report_models import Report, ReportSuppression
from billing.report_periods import (
    ReportKind,
    ReportPeriod,
    is_due,
    latest_period,
    may_be_due,
)
from billing.report_queries import is_anything_to_tell, report_of
from orgs.mail_preferences import memberships_wanting
from orgs.models import Membership, Organization, User
from orgs.person_models import OptionalMail
from usage.queries import watermark

logger = logging.getLogger(__name__)

BATCH_MAX = 200
# Who has not logged in for so long is not written to on our own account.
DORMANT_AFTER = timedelta(days=182)


def send_reports(*, now: datetime) -> int:
    """
    Queue the reports that are due, at most a batch; return how many were settled.

    Safe to repeat and to run many times at once: whoever writes a report's row queues
    its mail, in one transaction. It waits while the figures are not complete. What
    fails for one member does not keep the others from theirs.

    :raises ExceptionGroup: of what failed, once all others are told.
    """
    settled, failures = 0, list[Exception]()
    for membership, period in due_reports(now):
        if settled + len(failures) >= BATCH_MAX:
            break
        try:
            settled += send_report(membership, period, now=now)
        except (OperationalError, InterfaceError):
            # The database is away or busy: for all of them.
            raise
        except Exception as error:
            logger.exception(
                "report_not_sent organization=%d kind=%s",
                membership.organization_id,
                period.kind,
            )
            failures.append(error)
    if failures:
        raise ExceptionGroup("reports were not sent", failures)
    return settled


def due_reports(now: datetime) -> Iterator[tuple[Membership, ReportPeriod]]:
    """Yield whose turn it is: wanted, not settled yet, and not of before they came."""
    as_of = watermark().as_of
    for kind in ReportKind:
        for zone_name in zones_in_use():
            period = latest_period(kind, zone_name=zone_name, now=now)
            if not may_be_due(period, now=now) or as_of < period.settled_at:
                continue
            for membership in unsettled(period, zone_name):
                reader = membership.user.time_zone
                if is_due(period, zone_name=reader, now=now):
                    yield membership, period


def zones_in_use() -> list[str]:
    live = Organization.objects.filter(deleted_at__isnull=True).order_by("time_zone")
    return list(live.values_list("time_zone", flat=True).distinct())


def unsettled(period: ReportPeriod, zone_name: str) -> QuerySet[Membership]:
    """Return the members of organizations in a zone who wait for a report."""
    settled = Report.objects.filter(
        organization=OuterRef("organization"),
        user=OuterRef("user"),
        kind=period.kind,
        begins_on=period.begins_on,
    )
    wanting = memberships_wanting(OptionalMail(period.kind)).filter(
        ~Exists(settled),
        organization__time_zone=zone_name,
        created_at__lt=period.ends_at,
    )
    return wanting.select_related("organization", "user").order_by("pk")


@transaction.atomic
def send_report(membership: Membership, period: ReportPeriod, *, now: datetime) -> bool:
    """Write a report's row and queue its mail; False if somebody else just did."""
    organization = membership.organization
    report, is_new = Report.objects.get_or_create(
        organization=organization,
        user=membership.user,
        kind=period.kind,
        begins_on=period.begins_on,
        defaults={"created_at": now},
    )
    if not is_new:
        return False
    report.suppression = suppression_of(membership, period, now=now)
    if report.suppression:
        report.save(update_fields=["suppression"])
    else:
        queue_report_mail(report_of(membership, period, now=now))
    return True


def suppression_of(
    membership: Membership, period: ReportPeriod, *, now: datetime
) -> str:
    """Return why a member gets no report; nothing if they do."""
    if is_dormant(membership.user, now=now):
        return ReportSuppression.DORMANT
    if not is_anything_to_tell(membership.organization, period):
        return ReportSuppression.NOTHING_USED
    return ""


def is_dormant(user: User, *, now: datetime) -> bool:
    return now - (user.last_login or user.date_joined) > DORMANT_AFTER
