"""The mail that the operator changed the approved limit."""

from __future__ import annotations

from datetime import datetime

from billing.alert_mail import page_url
from billing.funding import funding_of
from core.money import cents_usd
from core.periods import cycle_of
from orgs.mail import cycle_thread, queue_mail
from orgs.models import Organization
from orgs.queries import addresses_of_owners


def queue_approved_limit_mail(
    organization: Organization,
    limit_nanos: int,
    before_nanos: int | None,
    reason: str,
    *,
    now: datetime,
) -> None:
    """Tell every owner what the limit is from now on, and why."""
    funding = funding_of(organization, now=now)
    queue_mail(
        kind="approved_limit",
        recipients=addresses_of_owners(organization),
        subject=(
            f"[{organization.full_name}] The approved limit is "
            f"${cents_usd(limit_nanos)}"
        ),
        template="approved_limit",
        context={
            "limit_nanos": limit_nanos,
            "before_nanos": before_nanos,
            "reason": reason,
            "is_reached": funding.spent_nanos + funding.held_nanos >= limit_nanos,
            "page_url": page_url(organization, "limits"),
        },
        dedupe_key=(
            f"approved_limit:{organization.public_id}:{now:%Y-%m-%dT%H:%M:%S.%f}"
        ),
        organization=organization,
        now=now,
        thread=cycle_thread(organization, cycle_of(now)),
    )
