"""
The billing endpoints of old, which clients that show a balance still ask.

They answer when nothing is left to spend too: that is when people look. Clients
compute what is left as `hard_limit_usd` minus `total_usage` of the month in cents.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.utils import timezone

from billing.caller_funding import funding_of_caller
from billing.credit_queries import CreditState, credit_page
from billing.limits import Funding, headroom
from billing.models import BillingProfile, CreditGrant, SoftLimit
from core.money import NANOS_PER_DOLLAR
from core.periods import Interval, cycle_interval, cycle_of, start_of_day
from gateway import errors
from gateway.admin_api.amounts import cents, dollars
from gateway.admin_api.door import ApiRequest, key_view
from usage.buckets import DAY, Bucket, Part, buckets_of

# As OpenAI had it.
DAYS_MAX = 100
# What is said where nothing limits: clients expect a number.
UNLIMITED_NANOS = 100_000_000 * NANOS_PER_DOLLAR


@key_view
def subscription(request: ApiRequest) -> dict[str, Any]:
    """Tell how far the calling key's organization may go this month."""
    now, organization = timezone.now(), request.organization
    funding = funding_of_caller(organization, request.api_key, now=now).funding
    soft = SoftLimit.objects.filter(organization=organization).order_by("amount_nanos")
    lowest = soft.values_list("amount_nanos", flat=True).first()
    hard, system = reach_nanos(funding), funding.approved_limit_nanos
    profile = BillingProfile.objects.filter(organization=organization).exists()
    return {
        "object": "billing_subscription",
        "has_payment_method": profile,
        "canceled": False,
        "canceled_at": None,
        "delinquent": None,
        "access_until": int(cycle_interval(cycle_of(now)).end.timestamp()),
        "soft_limit_usd": dollars(hard if lowest is None else min(lowest, hard)),
        "hard_limit_usd": dollars(hard),
        "system_hard_limit_usd": dollars(UNLIMITED_NANOS if system is None else system),
        "plan": {"title": "Tokenhouse", "id": "tokenhouse"},
        "account_name": organization.name,
    }


def reach_nanos(funding: Funding) -> int:
    """
    Return where spending this month ends: what is spent, and what may be on top.

    What is held counts as gone, so that nobody counts on it.
    """
    left = headroom(funding).nanos
    return UNLIMITED_NANOS if left is None else funding.spent_nanos + left


@key_view
def usage(request: ApiRequest) -> dict[str, Any]:
    """Tell costs by day and model in cents, `end_date` not included."""
    interval = days_asked(request)
    buckets = buckets_of(request.organization, interval, width=DAY, parts=[Part.MODEL])
    total = sum(a.cost_nanos for b in buckets for a in b.amounts.values())
    return {
        "object": "list",
        "daily_costs": [day(bucket) for bucket in buckets],
        "total_usage": cents(total),
    }


def day(bucket: Bucket) -> dict[str, Any]:
    return {
        "timestamp": bucket.start.timestamp(),
        "line_items": [
            {"name": model, "cost": cents(amounts.cost_nanos)}
            for (model,), amounts in bucket.amounts.items()
        ],
    }


def days_asked(request: ApiRequest) -> Interval:
    """Return the days from `start_date` to before `end_date`; else this month's."""
    now = timezone.now()
    first = date_in(request, "start_date") or cycle_of(now)
    end = date_in(request, "end_date") or now.date() + timedelta(days=1)
    if not first < end <= first + timedelta(days=DAYS_MAX):
        message = f"'end_date' must be 1 to {DAYS_MAX} days after 'start_date'."
        raise errors.malformed(message, "end_date")
    return Interval(start_of_day(first), start_of_day(end))


def date_in(request: ApiRequest, name: str) -> date | None:
    text = request.GET.get(name)
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise errors.malformed(f"'{name}' must be a date: YYYY-MM-DD.", name) from None


@key_view
def credit_grants(request: ApiRequest) -> dict[str, Any]:
    """Tell the organization's credit: granted, used, and what still pays."""
    rows = [
        row
        for row in credit_page(request.organization, now=timezone.now())
        if row.state is not CreditState.COMING
    ]
    left = sum(row.grant.left_nanos for row in rows if row.state.can_pay)
    return {
        "object": "credit_summary",
        "total_granted": dollars(sum(row.grant.amount_nanos for row in rows)),
        "total_used": dollars(sum(row.grant.consumed_nanos for row in rows)),
        "total_available": dollars(left),
        "grants": {"object": "list", "data": [grant_of(row.grant) for row in rows]},
    }


def grant_of(grant: CreditGrant) -> dict[str, Any]:
    ends_at = grant.ends_at
    return {
        "object": "credit_grant",
        "id": grant.public_id,
        "grant_amount": dollars(grant.amount_nanos),
        "used_amount": dollars(grant.consumed_nanos),
        "effective_at": int(grant.effective_at.timestamp()),
        "expires_at": None if ends_at is None else int(ends_at.timestamp()),
    }
