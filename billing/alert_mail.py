"""What the mails about limits say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from billing.funding import funding_of
from billing.limits import headroom
from billing.models import Alert
from core.money import cents_usd
from core.periods import cycle_interval
from orgs.mail import queue_mail
from orgs.models import Organization
from orgs.queries import addresses_of_owners
from usage.dimensions import Dimension
from usage.queries import usage_of
from usage.spans import Span

LARGEST_SHOWN = 3
ONE_DAY = timedelta(days=1)


def queue_soft_limit_mail(
    organization: Organization, alerts: Sequence[Alert], *, now: datetime
) -> None:
    """Queue one mail per owner about the highest of the soft limits reached."""
    highest, *lower = alerts
    month = f"{highest.cycle_start:%B}"
    queue_alert_mail(
        organization,
        highest,
        subject=(
            f"[{organization.full_name}] Soft limit of "
            f"${cents_usd(highest.limit_nanos)} reached: "
            f"${cents_usd(highest.spent_nanos)} spent in {month}"
        ),
        context={"lower_limits_nanos": [alert.limit_nanos for alert in lower]},
        now=now,
    )


def queue_hard_limit_mail(
    organization: Organization, alert: Alert, *, now: datetime
) -> None:
    """Queue one mail per owner: requests are refused from now on."""
    queue_alert_mail(
        organization,
        alert,
        subject=(
            f"[{organization.full_name}] Requests are being refused: hard limit of "
            f"${cents_usd(alert.limit_nanos)} reached"
        ),
        context={"over_nanos": alert.spent_nanos - alert.limit_nanos},
        now=now,
    )


def queue_alert_mail(
    organization: Organization,
    alert: Alert,
    *,
    subject: str,
    context: dict[str, Any],
    now: datetime,
) -> None:
    """Queue the mail of an alert; the template has the name of the alert's kind."""
    queue_mail(
        kind=alert.kind,
        recipients=addresses_of_owners(organization, kind=alert.kind),
        subject=subject,
        template=alert.kind,
        context=facts_of(organization, alert, now=now) | context,
        dedupe_key=(
            f"{alert.kind}:{organization.public_id}:{alert.cycle_start:%Y-%m}"
            f":{alert.limit_nanos}"
        ),
        organization=organization,
        now=now,
    )


def facts_of(
    organization: Organization, alert: Alert, *, now: datetime
) -> dict[str, Any]:
    """Return what both mails tell: amounts, time left, and what cost most."""
    resets_at = cycle_interval(alert.cycle_start).end
    funding = funding_of(organization, now=now)
    left_nanos = headroom(funding).nanos
    hard_limit_nanos = funding.hard_limit_nanos
    return {
        "alert": alert,
        "resets_at": resets_at,
        # Rounded up: the day under way is a day left. Negative once it is over.
        "days_left": -((now - resets_at) // ONE_DAY),
        "is_over": now >= resets_at,
        "hard_limit_nanos": hard_limit_nanos,
        "percent": (
            alert.spent_nanos * 100 // hard_limit_nanos if hard_limit_nanos else None
        ),
        "is_refusing": left_nanos is not None and left_nanos <= 0,
        "limits_url": page_url(organization, "limits"),
        "usage_url": page_url(
            organization, f"usage?by=model&cycle={alert.cycle_start:%Y-%m}"
        ),
        "largest_models": largest(organization, alert, Dimension.MODEL),
        "largest_keys": largest(organization, alert, Dimension.KEY),
    }


def page_url(organization: Organization, page: str) -> str:
    return f"{settings.BASE_URL}/o/{organization.slug}/{page}"


def largest(
    organization: Organization, alert: Alert, dimension: Dimension
) -> list[tuple[str, int]]:
    """Return the names and costs of what cost most in the alert's cycle."""
    usage = usage_of(
        organization, Span.of_cycle(alert.cycle_start), dimension=dimension
    )
    named = [series for series in usage.series if not series.group.is_rest]
    return [
        (series.group.name, series.total.cost_nanos) for series in named[:LARGEST_SHOWN]
    ]
