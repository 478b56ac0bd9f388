"""Owners limit what a single key or member may spend within the organization."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.actions.limits import change_limit, locked_limits
from billing.scope_models import Scope, ScopeLimit
from core.money import LARGEST_AMOUNT_NANOS
from keys.models import ApiKey
from orgs import audit
from orgs.locks import lock_members_of
from orgs.models import Membership, Organization, User


class NotOfOrganization(Exception):
    """The key or member does not act in the organization (any more)."""


@transaction.atomic
def set_key_limit(
    *,
    organization: Organization,
    api_key: ApiKey,
    amount_nanos: int | None,
    acting_user: User | None,
    now: datetime,
) -> None:
    """
    Set what a key may spend per cycle in this organization; None means no limit.

    Holds from its commit on. Safe to repeat: the same amount again changes and
    records nothing.

    :raises NotOfOrganization: if the key cannot act in the organization.
    """
    if not ApiKey.objects.usable_in(organization).filter(pk=api_key.pk).exists():
        raise NotOfOrganization
    change_scope_limit(
        ScopeLimit(
            organization=organization,
            scope=Scope.KEY,
            subject_id=api_key.pk,
            api_key=api_key,
        ),
        amount_nanos=amount_nanos,
        target=api_key.public_id,
        acting_user=acting_user,
        now=now,
    )


@transaction.atomic
def set_member_limit(
    *,
    organization: Organization,
    user: User,
    amount_nanos: int | None,
    acting_user: User | None,
    now: datetime,
) -> None:
    """
    Set what a member may spend per cycle, by all their keys; None means no limit.

    Holds from its commit on, and goes with the membership. Safe to repeat.

    :raises NotOfOrganization: if the person is no member.
    """
    # The member does not go while the limit comes.
    lock_members_of(organization)
    try:
        membership = Membership.objects.get(organization=organization, user=user)
    except Membership.DoesNotExist as error:
        raise NotOfOrganization from error
    change_scope_limit(
        ScopeLimit(
            organization=organization,
            scope=Scope.MEMBER,
            subject_id=user.pk,
            membership=membership,
        ),
        amount_nanos=amount_nanos,
        target=user.public_id,
        acting_user=acting_user,
        now=now,
    )


@transaction.atomic
def set_default_limit(
    *,
    organization: Organization,
    scope: Scope,
    amount_nanos: int | None,
    acting_user: User | None,
    now: datetime,
) -> None:
    """
    Set what each key (or member) may spend per cycle that has no limit of its own.

    None means no limit. Holds from its commit on, as a limit of their own would.
    Safe to repeat: the same amount again changes and records nothing.
    """
    change_limit(
        f"{scope}_default_nanos",
        organization=organization,
        amount_nanos=amount_nanos,
        audit_action=f"{scope}_limit_default.updated",
        acting_user=acting_user,
        now=now,
    )


def change_scope_limit(
    limit: ScopeLimit,
    *,
    amount_nanos: int | None,
    target: str,
    acting_user: User | None,
    now: datetime,
) -> None:
    """Write, change or remove a limit with its audit row, inside a transaction."""
    assert amount_nanos is None or 0 <= amount_nanos <= LARGEST_AMOUNT_NANOS
    # The limits' row stands for all limits: whoever changes one waits here.
    locked_limits(limit.organization)
    same = ScopeLimit.objects.filter(
        organization=limit.organization, scope=limit.scope, subject_id=limit.subject_id
    )
    before = same.values_list("amount_nanos", flat=True).first()
    if before == amount_nanos:
        return
    if amount_nanos is None:
        same.delete()
    elif before is None:
        limit.amount_nanos, limit.updated_at = amount_nanos, now
        limit.updated_by = acting_user
        limit.save(force_insert=True)
    else:
        same.update(amount_nanos=amount_nanos, updated_at=now, updated_by=acting_user)
    audit.record(
        organization=limit.organization,
        actor=acting_user,
        action=f"{limit.scope}_limit.updated",
        target=target,
        details={
            "before": {"amount_nanos": before},
            "after": {"amount_nanos": amount_nanos},
        },
        now=now,
    )
