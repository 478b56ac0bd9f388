"""What programs are told of an alert by webhook."""

from __future__ import annotations

from typing import Any

from billing.alert_mail import page_url
from billing.models import Alert, AlertKind
from core.money import exact_usd
from core.periods import cycle_interval
from orgs.models import Organization


def event_data(organization: Organization, alert: Alert) -> dict[str, Any]:
    """Return an alert as programs read it; amounts are texts, exact and in dollars."""
    return {
        "id": alert.public_id,
        "organization": organization.public_id,
        "environment": organization.environment,
        "billing_cycle": f"{alert.cycle_start:%Y-%m}",
        "resets_at": cycle_interval(alert.cycle_start).end.isoformat(),
        **compared_with(alert),
        "spent_usd": exact_usd(alert.spent_nanos),
        "forecast_usd": usd_or_none(alert.forecast_nanos),
        "raised_to_usd": usd_or_none(alert.raised_to_nanos),
        "subject": alert.subject_name or None,
        "url": page_url(organization, f"alerts#{alert.public_id}"),
    }


def compared_with(alert: Alert) -> dict[str, Any]:
    """Return the limit, or what is usual and when the hour or day began."""
    if alert.kind != AlertKind.UNUSUAL_SPEND:
        return {"limit_usd": exact_usd(alert.limit_nanos)}
    assert alert.began_at is not None
    return {
        "limit_usd": None,
        "usual_usd": exact_usd(alert.limit_nanos),
        "began_at": alert.began_at.isoformat(),
        "period": "day" if alert.is_day else "hour",
    }


def usd_or_none(nanos: int | None) -> str | None:
    return None if nanos is None else exact_usd(nanos)
