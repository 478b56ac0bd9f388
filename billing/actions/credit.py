"""Credit is granted, voided, and written off when it has ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from billing.actions.posting import (
    post_credit_expired,
    post_credit_granted,
    post_credit_voided,
)
from billing.credit import PRIORITY_USUAL
from billing.funding_models import new_credit_id
from billing.models import Budget, CreditGrant, Hold
from core.form_ids import IdTaken
from core.money import LARGEST_AMOUNT_NANOS
from orgs import audit
from orgs.models import Organization, User

BATCH_MAX = 100


class CannotVoid(Exception):
    """The grant has ended already, or nothing is left of it."""


@dataclass(frozen=True, slots=True)
class CreditWish:
    """A grant to be. Without an expiry it never expires."""

    name: str
    kind: str
    amount_nanos: int
    effective_at: datetime
    expires_at: datetime | None = None
    priority: int = PRIORITY_USUAL
    # Made with the form, so that one that is sent twice grants once.
    public_id: str = field(default_factory=new_credit_id)


@transaction.atomic
def grant_credit(
    *,
    organization: Organization,
    wish: CreditWish,
    acting_user: User | None,
    now: datetime,
    trial_of: User | None = None,
) -> CreditGrant:
    """
    Grant credit, and post it in the ledger; a wish is granted once.

    :raises IdTaken: if another grant has the wish's id.
    """
    assert 0 < wish.amount_nanos <= LARGEST_AMOUNT_NANOS
    what: dict[str, Any] = {
        "name": wish.name,
        "kind": wish.kind,
        "priority": wish.priority,
        "amount_nanos": wish.amount_nanos,
        "expires_at": wish.expires_at,
    }
    # Of two at once the second waits for the first, and finds its grant.
    grant, is_new = CreditGrant.objects.get_or_create(
        public_id=wish.public_id,
        defaults={
            "organization": organization,
            "trial_of": trial_of,
            "effective_at": wish.effective_at,
            "created_at": now,
            "created_by": acting_user,
            **what,
        },
    )
    if not is_new:
        is_same = all(getattr(grant, name) == what[name] for name in what)
        if grant.organization_id != organization.pk or not is_same:
            raise IdTaken
        return grant
    post_credit_granted(grant, now=now)
    record_grant(grant, acting_user=acting_user, now=now)
    return grant


def record_grant(
    grant: CreditGrant, *, acting_user: User | None, now: datetime
) -> None:
    trial_of = grant.trial_of
    audit.record(
        organization=grant.organization,
        actor=acting_user,
        action="credit_grant.created",
        target=grant.public_id,
        details={
            "after": {
                "name": grant.name,
                "kind": grant.kind,
                "amount_nanos": grant.amount_nanos,
                "priority": grant.priority,
                "effective_at": grant.effective_at.isoformat(),
                "expires_at": grant.expires_at and grant.expires_at.isoformat(),
                "trial_of": trial_of and trial_of.public_id,
            }
        },
        now=now,
    )


@transaction.atomic
def void_credit(
    *, grant: CreditGrant, reason: str, acting_user: User | None, now: datetime
) -> None:
    """
    End a grant: nothing new is paid by it. What is left is written off afterwards.

    :raises CannotVoid: if it has ended already, or nothing is left of it.
    """
    assert reason
    locked = CreditGrant.objects.select_for_update(no_key=True).get(pk=grant.pk)
    # Voided is voided: of two at once, the later clock may come first.
    is_voided = locked.voided_at is not None
    has_expired = locked.expires_at is not None and locked.expires_at <= now
    if is_voided or has_expired or locked.left_nanos == 0:
        raise CannotVoid
    locked.voided_at, locked.voided_by, locked.void_reason = now, acting_user, reason
    locked.save(update_fields=["voided_at", "voided_by", "void_reason"])
    audit.record(
        organization=locked.organization,
        actor=acting_user,
        action="credit_grant.voided",
        target=locked.public_id,
        details={"reason": reason, "before": {"left_nanos": locked.left_nanos}},
        now=now,
    )


def write_off_ended_credit(*, now: datetime) -> int:
    """
    Write off what is left of grants that have ended; return of how many.

    A grant waits while a request from before its end is under way: that may still be
    paid by it. Safe to repeat and to run many times at once.
    """
    ended = CreditGrant.objects.filter(
        Q(expires_at__lte=now) | Q(voided_at__lte=now), written_off_at__isnull=True
    )
    waiting = ended.filter(consumed_nanos__lt=F("amount_nanos")).order_by("pk")
    return sum(write_off(grant, now=now) for grant in waiting[:BATCH_MAX])


@transaction.atomic
def write_off(grant: CreditGrant, *, now: datetime) -> bool:
    """Write off one ended grant, unless a hold from before is open."""
    # The order of the books: budgets, then grants. Whoever holds money now has
    # committed when these are ours, and whoever comes later finds the grant gone.
    budgets = Budget.objects.select_for_update(no_key=True).order_by("pk")
    list(budgets.filter(organization=grant.organization_id))
    locked = CreditGrant.objects.select_for_update().get(pk=grant.pk)
    ends_at = locked.ends_at
    if locked.written_off_at is not None or ends_at is None or ends_at > now:
        return False
    holds = Hold.objects.filter(organization=grant.organization_id)
    if holds.filter(created_at__lt=ends_at).exists():
        return False
    nanos = locked.amount_nanos - locked.consumed_nanos
    locked.written_off_at, locked.written_off_nanos = now, nanos
    locked.save(update_fields=["written_off_at", "written_off_nanos"])
    if nanos:
        book_loss(locked, nanos, now=now)
    return True


def book_loss(grant: CreditGrant, nanos: int, *, now: datetime) -> None:
    """Post what was written off, by why the grant ended, with its audit row."""
    is_voided = grant.voided_at is not None and grant.ends_at == grant.voided_at
    if is_voided:
        post_credit_voided(grant, nanos, now=now)
    else:
        post_credit_expired(grant, nanos, now=now)
    audit.record(
        organization=grant.organization,
        actor=None,
        action="credit_grant.written_off",
        target=grant.public_id,
        details={
            "reason": "voided" if is_voided else "expired",
            "after": {"written_off_nanos": nanos},
        },
        now=now,
    )
