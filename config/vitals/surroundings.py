"""Mail, providers' bills, and the disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min
from django.template.defaultfilters import filesizeformat

from billing.reconciliation_queries import failed_comparisons
from billing.upkeep_queries import database_bytes
from config.vitals.line import Line, ago, counted, seconds_since, span
from orgs.models import MailStatus, OutboxMail

MAIL_WAITS_MAX_S = 600
FAILED_SPAN = timedelta(days=7)
FREE_SHARE_MIN = 0.1
NAMED_MAX = 5


def mail(now: datetime) -> Line:
    """Say which mails wait, and which were given up."""
    waiting = OutboxMail.objects.filter(status=MailStatus.QUEUED).aggregate(
        count=Count("pk"), oldest=Min("created_at")
    )
    failed = OutboxMail.objects.filter(
        status=MailStatus.FAILED, next_attempt_at__gt=now - FAILED_SPAN
    ).count()
    oldest_s = seconds_since(waiting["oldest"], now)
    advice = ""
    if failed:
        advice = "Look at those given up in the outbox, and send them again there."
    elif oldest_s > MAIL_WAITS_MAX_S:
        advice = (
            f"The first waits for {span(oldest_s)}. The outbox has its last error; "
            "without one, no worker sends."
        )
    return Line(
        "mail",
        "Mail",
        f"{counted(waiting['count'], 'mail')} waiting, {failed:,} given up in 7 days.",
        advice=advice,
        facts={
            **{"waiting": waiting["count"], "failed": failed},
            "oldest_seconds": round(oldest_s),
        },
    )


def bills(now: datetime) -> Line:
    """Say whether providers told what they billed when they were asked last."""
    failed = failed_comparisons()
    names = ", ".join(str(run.organization) for run in failed[:NAMED_MAX])
    return Line(
        "provider_bills",
        "Bills of providers",
        f"{len(failed):,} of the newest comparisons failed.",
        advice=f"Look at Reconciliation for what the provider of {names} said."
        if failed
        else "",
        facts={"failed": len(failed)},
        details=[
            (str(run.organization), f"{ago(run.finished_at, now)}: {run.error}")
            for run in failed
        ],
    )


def disk(now: datetime) -> Line:
    """Say how much room there is, where the database is ours."""
    size = database_bytes()
    says = f"The database takes {plain_size(size)}."
    if not settings.USES_EMBEDDED_POSTGRES:
        return Line("disk", "Disk", says, facts={"database_bytes": size})
    usage = shutil.disk_usage(settings.DATA_DIR)
    is_full = usage.free < FREE_SHARE_MIN * usage.total
    return Line(
        "disk",
        "Disk",
        f"{says} {plain_size(usage.free)} of {plain_size(usage.total)} are free.",
        advice="Make room, or nothing can be booked." if is_full else "",
        facts={"database_bytes": size, "free_bytes": usage.free},
    )


def plain_size(size: int) -> str:
    return str(filesizeformat(size)).replace("\xa0", " ")


def lines(now: datetime) -> Iterator[Line]:
    yield mail(now)
    yield bills(now)
    yield disk(now)
