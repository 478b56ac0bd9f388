"""Owners set limits: the hard limit, and amounts to be told about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from billing.alert_models import Basis
from billing.models import SoftLimit, SpendLimits
from core.money import LARGEST_AMOUNT_NANOS
from orgs import audit
from orgs.models import Organization, User

SOFT_LIMITS_MAX = 10


class SoftLimitExists(Exception):
    """The organization has a soft limit at this amount already."""


class TooManySoftLimits(Exception):
    """The organization has as many soft limits as there may be."""


@transaction.atomic
def set_hard_limit(
    *,
    organization: Organization,
    amount_nanos: int | None,
    acting_user: User | None,
    now: datetime,
) -> SpendLimits:
    """
    Set the amount per cycle at which requests are refused; None means none.

    Holds from its commit on: the gateway reads it for every request. Safe to
    repeat: the same amount again changes and records nothing.
    """
    return change_limit(
        "hard_limit_nanos",
        organization=organization,
        amount_nanos=amount_nanos,
        audit_action="spend_limit.updated",
        acting_user=acting_user,
        now=now,
    )


@transaction.atomic
def add_soft_limit(
    *,
    organization: Organization,
    amount_nanos: int | None,
    percent: int | None = None,
    basis: str = Basis.ACTUAL,
    recipients: Sequence[str] = (),
    acting_user: User | None,
    now: datetime,
) -> SoftLimit:
    """
    Add an amount per cycle, or a percentage of the limit, at which people are told.

    :raises SoftLimitExists: if there is one at this amount.
    :raises TooManySoftLimits: if there are `SOFT_LIMITS_MAX`.
    """
    assert amount_nanos is None or 0 < amount_nanos <= LARGEST_AMOUNT_NANOS
    # The limits' row stands for all limits: whoever adds one waits here.
    locked_limits(organization)
    soft_limits = SoftLimit.objects.filter(organization=organization)
    same = soft_limits.filter(amount_nanos=amount_nanos, percent=percent, basis=basis)
    if same.exists():
        raise SoftLimitExists
    if soft_limits.count() >= SOFT_LIMITS_MAX:
        raise TooManySoftLimits
    soft_limit = SoftLimit.objects.create(
        organization=organization,
        amount_nanos=amount_nanos,
        percent=percent,
        basis=basis,
        recipients=list(recipients),
        created_at=now,
        created_by=acting_user,
    )
    audit.record(
        organization=organization,
        actor=acting_user,
        action="spend_alert.created",
        target=soft_limit.public_id,
        details={"after": facts_of(soft_limit)},
        now=now,
    )
    return soft_limit


@transaction.atomic
def remove_soft_limit(
    *, soft_limit: SoftLimit, acting_user: User | None, now: datetime
) -> None:
    """Remove a soft limit. Safe to repeat: of one that is gone nothing is recorded."""
    deleted, _ = SoftLimit.objects.filter(pk=soft_limit.pk).delete()
    if not deleted:
        return
    audit.record(
        organization=soft_limit.organization,
        actor=acting_user,
        action="spend_alert.deleted",
        target=soft_limit.public_id,
        details={"before": facts_of(soft_limit)},
        now=now,
    )


def facts_of(soft_limit: SoftLimit) -> dict[str, Any]:
    """Return what the audit log keeps of a soft limit."""
    facts = {
        "amount_nanos": soft_limit.amount_nanos,
        "percent": soft_limit.percent,
        "basis": soft_limit.basis,
        "recipients": soft_limit.recipients,
    }
    return {name: value for name, value in facts.items() if value}


def change_approved_limit(
    *,
    organization: Organization,
    amount_nanos: int | None,
    acting_user: User | None,
    now: datetime,
    reason: str = "",
) -> SpendLimits:
    """Change the approved limit, whether for good or for a time."""
    return change_limit(
        "approved_limit_nanos",
        organization=organization,
        amount_nanos=amount_nanos,
        audit_action="approved_limit.updated",
        acting_user=acting_user,
        now=now,
        reason=reason,
    )


def change_limit(
    column: str,
    *,
    organization: Organization,
    amount_nanos: int | None,
    audit_action: str,
    acting_user: User | None,
    now: datetime,
    reason: str = "",
) -> SpendLimits:
    """
    Set one of an organization's limits, with its audit row; None means none.

    Runs inside the caller's transaction. The same amount again changes nothing.
    """
    assert amount_nanos is None or 0 <= amount_nanos <= LARGEST_AMOUNT_NANOS
    limits = locked_limits(organization)
    before = getattr(limits, column)
    if before == amount_nanos:
        return limits
    setattr(limits, column, amount_nanos)
    limits.updated_at = now
    limits.updated_by = acting_user
    limits.save(update_fields=[column, "updated_at", "updated_by"])
    audit.record(
        organization=organization,
        actor=acting_user,
        action=audit_action,
        target=organization.public_id,
        details={"before": {column: before}, "after": {column: amount_nanos}}
        | ({"reason": reason} if reason else {}),
        now=now,
    )
    return limits


def locked_limits(organization: Organization) -> SpendLimits:
    """Lock and return the limits' row, made if there is none."""
    SpendLimits.objects.get_or_create(organization=organization)
    # NO KEY: nothing refers to this row, and readers of it need not wait.
    return SpendLimits.objects.select_for_update(no_key=True).get(
        organization=organization
    )
