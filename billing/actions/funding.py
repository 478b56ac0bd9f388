"""What an organization is funded by: credit, billing information, approved limit."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import asdict, dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import transaction

from billing.actions.credit import CreditWish, grant_credit
from billing.actions.limits import change_approved_limit, locked_limits
from billing.actions.raises import supersede_raise
from billing.funding_mail import queue_approved_limit_mail
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
    reason: str = "",
) -> SpendLimits:
    """
    Set the amount per cycle that the operator allows; None means no such limit.

    It lasts: a temporary raise that is under way is superseded. Safe to repeat: the
    same amount again changes and records nothing.
    """
    locked_limits(organization)
    supersede_raise(organization, now=now)
    return change_approved_limit(
        organization=organization,
        amount_nanos=amount_nanos,
        acting_user=acting_user,
        now=now,
        reason=reason,
    )


@transaction.atomic
def decide_approved_limit(
    *,
    organization: Organization,
    amount_nanos: int,
    reason: str,
    acting_user: User,
    now: datetime,
) -> SpendLimits:
    """
    Set the approved limit as the operator decides, and tell the owners why.

    Safe to repeat: the same amount again changes, records and mails nothing.
    """
    assert reason
    before_nanos = locked_limits(organization).approved_limit_nanos
    limits = set_approved_limit(
        organization=organization,
        amount_nanos=amount_nanos,
        reason=reason,
        acting_user=acting_user,
        now=now,
    )
    if before_nanos != amount_nanos:
        queue_approved_limit_mail(
            organization, amount_nanos, before_nanos, reason, now=now
        )
    return limits


@dataclass(frozen=True, slots=True)
class BillingDetails:
    """What stands on invoices besides the legal name."""

    address_line1: str = ""
    address_line2: str = ""
    postal_code: str = ""
    city: str = ""
    region: str = ""
    # ISO 3166-1 alpha-2, in capitals.
    country: str = ""
    tax_id: str = ""
    billing_emails: list[str] = field(default_factory=list)
    reference: str = ""


@transaction.atomic
def enter_billing_profile(
    *,
    organization: Organization,
    legal_name: str,
    acting_user: User | None,
    now: datetime,
    details: BillingDetails | None = None,
) -> BillingProfile:
    """
    Enter or change billing information; without details those entered before stay.

    It applies to future invoices. In a production organization that has no approved
    limit yet, it opens the default one. Safe to repeat: what is the same is neither
    changed nor recorded.
    """
    limits = locked_limits(organization)
    profile = BillingProfile.objects.filter(organization=organization).first()
    wanted = {"legal_name": legal_name} | (asdict(details) if details else {})
    before = {name: getattr(profile, name, None) for name in wanted}
    changed = [name for name in wanted if wanted[name] != before[name]]
    if profile is None:
        profile = BillingProfile(organization=organization, created_at=now)
    if changed:
        for name in changed:
            setattr(profile, name, wanted[name])
        profile.updated_at, profile.updated_by = now, acting_user
        profile.save()
        audit.record(
            organization=organization,
            actor=acting_user,
            action="billing_profile.updated",
            target=organization.public_id,
            details={
                "before": {name: before[name] for name in changed},
                "after": {name: wanted[name] for name in changed},
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
