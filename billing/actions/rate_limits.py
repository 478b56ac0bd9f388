"""Owners set requests and tokens per minute."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from billing.actions.limits import locked_limits
from billing.models import RateLimit
from billing.rate_limits import RATE_LIMITS_MAX, REQUESTS_MAX, TOKENS_MAX
from keys.models import ApiKey
from orgs import audit
from orgs.models import Organization, User


class TooManyRateLimits(Exception):
    """The organization has as many rate limits as there may be."""


@transaction.atomic
def set_rate_limit(
    *,
    organization: Organization,
    api_key: ApiKey | None,
    model: str,
    requests_per_minute: int | None,
    tokens_per_minute: int | None,
    acting_user: User | None,
    now: datetime,
) -> RateLimit:
    """
    Set what a key (or all of them) may ask of a model (or of all) in a minute.

    There is one rate limit for each key and model: the one that is there changes.
    Gateways know of it within a second of its commit. Safe to repeat: the same
    again changes and records nothing.

    :raises TooManyRateLimits: if there are `RATE_LIMITS_MAX` others.
    """
    assert requests_per_minute or tokens_per_minute
    assert 0 <= (requests_per_minute or 0) <= REQUESTS_MAX
    assert 0 <= (tokens_per_minute or 0) <= TOKENS_MAX
    # The limits' row stands for all limits: whoever sets one waits here.
    locked_limits(organization)
    rate_limits = RateLimit.objects.filter(organization=organization)
    limit = rate_limits.filter(api_key=api_key, model=model).first()
    if limit is None:
        if rate_limits.count() >= RATE_LIMITS_MAX:
            raise TooManyRateLimits
        limit = RateLimit(organization=organization, api_key=api_key, model=model)
    before = None if limit.pk is None else rates_of(limit)
    limit.requests_per_minute = requests_per_minute
    limit.tokens_per_minute = tokens_per_minute
    if before == rates_of(limit):
        return limit
    limit.updated_at, limit.updated_by = now, acting_user
    limit.save()
    audit.record(
        organization=organization,
        actor=acting_user,
        action="rate_limit.updated",
        target=limit.public_id,
        details={
            "subject": subject_of(limit),
            "before": before,
            "after": rates_of(limit),
        },
        now=now,
    )
    return limit


@transaction.atomic
def remove_rate_limit(
    *, rate_limit: RateLimit, acting_user: User | None, now: datetime
) -> None:
    """Remove a rate limit. Safe to repeat: of one that is gone nothing is recorded."""
    deleted, _ = RateLimit.objects.filter(pk=rate_limit.pk).delete()
    if not deleted:
        return
    audit.record(
        organization=rate_limit.organization,
        actor=acting_user,
        action="rate_limit.deleted",
        target=rate_limit.public_id,
        details={"subject": subject_of(rate_limit), "before": rates_of(rate_limit)},
        now=now,
    )


def rates_of(limit: RateLimit) -> dict[str, int | None]:
    return {
        "requests_per_minute": limit.requests_per_minute,
        "tokens_per_minute": limit.tokens_per_minute,
    }


def subject_of(limit: RateLimit) -> dict[str, Any]:
    """Return whom a rate limit meets, for the audit log."""
    key_id = limit.api_key.public_id if limit.api_key else None
    return {"api_key": key_id, "model": limit.model or None}
