"""What the mails about limits say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from billing.forecast_queries import forecast_of
from billing.funding import funding_of
from billing.limits import headroom
from billing.models import Alert, AlertKind
from billing.unusual_queries import unusual_spenders
from core.money import cents_usd
from core.periods import cycle_interval
from keys.models import ApiKey
from orgs.mail import cycle_thread, queue_mail
from orgs.models import Organization, User
from usage.dimensions import Dimension
from usage.queries import usage_of
from usage.spans import Span

LARGEST_SHOWN = 3
ONE_DAY = timedelta(days=1)
# Of the others, the template has the name of the kind.
TEMPLATES = {AlertKind.KEY_LIMIT: "scope_limit", AlertKind.MEMBER_LIMIT: "scope_limit"}


def queue_mail_of(
    organization: Organization,
    alerts: Sequence[Alert],
    *,
    recipients: Iterable[str],
    now: datetime,
) -> None:
    """Queue one mail per recipient about the highest of alerts of one kind."""
    alert, *lower = alerts
    queue_mail(
        kind=alert.kind,
        recipients=recipients,
        subject=f"[{organization.full_name}] {headline(alert)}",
        template=TEMPLATES.get(AlertKind(alert.kind), alert.kind),
        context=facts_of(organization, alert, now=now)
        | {
            "headline": headline(alert),
            "lower_limits_nanos": [each.limit_nanos for each in lower],
        },
        dedupe_key=alert.dedupe_key,
        organization=organization,
        now=now,
        thread=cycle_thread(organization, alert.cycle_start),
    )


def queue_escalation_mail(alert: Alert, owner: User, *, now: datetime) -> None:
    """Ask one owner to take note of an alert."""
    organization = alert.organization
    queue_mail(
        kind="alert_escalation",
        recipients=[owner.email],
        subject=(
            f"[{organization.full_name}] Nobody has taken note yet: {headline(alert)}"
        ),
        template="alert_escalation",
        context=facts_of(organization, alert, now=now) | {"headline": headline(alert)},
        dedupe_key=alert.escalation_key,
        organization=organization,
        now=now,
    )


def headline(alert: Alert) -> str:
    """Say what happened in a line: the subject of the mail."""
    limit, month = f"${cents_usd(alert.limit_nanos)}", f"{alert.cycle_start:%B}"
    match alert.kind:
        case AlertKind.SOFT_LIMIT:
            spent = f"${cents_usd(alert.spent_nanos)}"
            return f"Soft limit of {limit} reached: {spent} spent in {month}"
        case AlertKind.FORECAST_LIMIT:
            course = f"${cents_usd(alert.forecast_nanos or alert.spent_nanos)}"
            return f"On course for {course} in {month}, soft limit {limit}"
        case AlertKind.HARD_LIMIT:
            return f"Requests are being refused: hard limit of {limit} reached"
        case AlertKind.APPROVED_LIMIT_REACHED:
            return f"Requests are being refused: approved limit of {limit} reached"
        case AlertKind.HARD_LIMIT_LIFTED:
            if alert.raised_to_nanos is None:
                return f"The hard limit of {limit} was removed"
            return f"The hard limit was raised to ${cents_usd(alert.raised_to_nanos)}"
        case AlertKind.KEY_LIMIT:
            return f"The key {alert.subject_name} reached its limit of {limit}"
        case AlertKind.UNUSUAL_SPEND:
            return unusual_headline(alert)
        case _:
            return f"{alert.subject_name} reached their limit of {limit}"


def unusual_headline(alert: Alert) -> str:
    spent, usual = (
        f"${cents_usd(nanos)}" for nanos in (alert.spent_nanos, alert.limit_nanos)
    )
    of = f" with the key {alert.subject_name}" if alert.subject_id else ""
    piece = "a day" if alert.is_day else "an hour"
    return f"Unusual spend{of}: {spent} in {piece}, usually {usual}"


def facts_of(
    organization: Organization, alert: Alert, *, now: datetime
) -> dict[str, Any]:
    """Return what these mails tell: amounts, time left, and what cost most."""
    cycle = cycle_interval(alert.cycle_start)
    funding = funding_of(organization, now=now)
    left_nanos = headroom(funding).nanos
    hard_limit_nanos = funding.hard_limit_nanos
    return {
        "alert": alert,
        "resets_at": cycle.end,
        # Rounded up: the day under way is a day left. Negative once it is over.
        "days_left": -((now - cycle.end) // ONE_DAY),
        "is_over": now >= cycle.end,
        "forecast": None if now >= cycle.end else forecast_of(organization, now=now),
        "hard_limit_nanos": hard_limit_nanos,
        "over_nanos": alert.spent_nanos - alert.limit_nanos,
        "percent": (
            alert.spent_nanos * 100 // hard_limit_nanos if hard_limit_nanos else None
        ),
        "is_refusing": left_nanos is not None and left_nanos <= 0,
        "limits_url": page_url(organization, "limits"),
        "alerts_url": page_url(organization, f"alerts#{alert.public_id}"),
        "increase_url": page_url(organization, "limits/increase"),
        "usage_url": page_url(
            organization, f"usage?by=model&cycle={alert.cycle_start:%Y-%m}"
        ),
        **spending_facts(organization, alert),
    }


def spending_facts(organization: Organization, alert: Alert) -> dict[str, Any]:
    if alert.kind == AlertKind.UNUSUAL_SPEND:
        return unusual_facts(organization, alert)
    # What others spend is no business of the member whose limit it is.
    return {} if alert.subject_id else spenders(organization, alert)


def unusual_facts(organization: Organization, alert: Alert) -> dict[str, Any]:
    """Return what cost most in the unusual hour or day, and the page that shows it."""
    assert alert.happened_on is not None
    day = f"first={alert.happened_on}&last={alert.happened_on}&per=hour"
    key = key_of(alert)
    narrowed = f"&key={key.public_id}" if key else ""
    return {
        "keys_url": page_url(organization, "keys"),
        "usage_url": page_url(
            organization, f"usage?{day}&by={'model' if key else 'key'}{narrowed}"
        ),
        **unusual_spenders(alert),
    }


def key_of(alert: Alert) -> ApiKey | None:
    return ApiKey.objects.filter(pk=alert.subject_id).first()


def spenders(organization: Organization, alert: Alert) -> dict[str, Any]:
    return {
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
