"""What an organization is funded by: credit, billing information, approved limit."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime

from django.conf import settings
from django.db import transaction

from billing.actions.credit import CreditWish, grant_credit
from billing.actions.limits import change_limit, locked_limits
from billing.actions.raises import supersede_raise
from billing.models import BillingProfile, CreditGrant, CreditKind, SpendLimits
from core.money import nanos_from_dollars
from orgs import audit
from orgs.models import Organization, User
from orgs.queries import owners_of

TRIAL_NAME = "Trial credit"


@transaction.atomic
def set_approved_limit(
    *,
    organization: Organization,
    amount_nanos: int | None,
    acting_user: User | None,
    now: datetime,
) -> SpendLimits:
    """
    Set the amount per cycle that the operator allows; None means no such limit.

    It lasts: a temporary raise that is under way is superseded. Safe to repeat: the
    same amount again changes and records nothing.
    """
    locked_limits(organization)
    supersede_raise(organization, now=now)
    return change_limit(
        "approved_limit_nanos",
        organization=organization,
        amount_nanos=amount_nanos,
        audit_action="approved_limit.updated",
        acting_user=acting_user,
        now=now,
    )


@transaction.atomic
def enter_billing_profile(
    *,
    organization: Organization,
    legal_name: str,
    acting_user: User | None,
    now: datetime,
) -> BillingProfile:
    """
    Enter or change billing information.

    In a production organization that has no approved limit yet, this opens the
    default one. Safe to repeat.
    """
    limits = locked_limits(organization)
    profile = BillingProfile.objects.filter(organization=organization).first()
    before = profile.legal_name if profile else None
    if profile is None:
        profile = BillingProfile(organization=organization, created_at=now)
    if before != legal_name:
        profile.legal_name = legal_name
        profile.save()
        audit.record(
            organization=organization,
            actor=acting_user,
            action="billing_profile.updated",
            target=organization.public_id,
            details={
                "before": {"legal_name": before},
                "after": {"legal_name": legal_name},
            },
            now=now,
        )
    if limits.approved_limit_nanos is None and not organization.is_staging:
        set_approved_limit(
            organization=organization,
            amount_nanos=nanos_from_dollars(settings.DEFAULT_APPROVED_LIMIT_USD),
            acting_user=acting_user,
            now=now,
        )
    return profile


@transaction.atomic
def grant_trial_credit(
    *, organization: Organization, acting_user: User | None, now: datetime
) -> CreditGrant | None:
    """
    Grant a production organization its owners' trial credit.

    Once per person: None if an owner had a trial before, if there is no owner, or
    if the organization is of staging. Safe to repeat and to run twice at once.
    """
    owner_ids = [owner.pk for owner in owners_of(organization)]
    # Locked in one order, so that two organizations of a person do not both get it.
    owners = list(
        User.objects.select_for_update().filter(pk__in=owner_ids).order_by("pk")
    )
    amount_nanos = nanos_from_dollars(settings.TRIAL_CREDIT_USD)
    if organization.is_staging or not owners or amount_nanos <= 0:
        return None
    if CreditGrant.objects.filter(trial_of__in=owners).exists():
        return None
    return grant_credit(
        organization=organization,
        wish=CreditWish(
            name=TRIAL_NAME,
            kind=CreditKind.TRIAL,
            amount_nanos=amount_nanos,
            effective_at=now,
            expires_at=months_later(now, settings.TRIAL_CREDIT_MONTHS),
        ),
        trial_of=owners[0],
        acting_user=acting_user,
        now=now,
    )


def months_later(instant: datetime, months: int) -> datetime:
    """Return the same day and time so many months on, or that month's last day."""
    years, month = divmod(instant.month - 1 + months, 12)
    year = instant.year + years
    day = min(instant.day, monthrange(year, month + 1)[1])
    return instant.replace(year=year, month=month + 1, day=day)
