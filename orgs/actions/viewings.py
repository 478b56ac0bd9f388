"""An operator begins to view an organization's console, and it ends."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from orgs import audit
from orgs.locks import lock_members_of
from orgs.mail import queue_mail
from orgs.models import Organization, User, Viewing, ViewingEnd
from orgs.queries import addresses_of_owners
from orgs.viewing_models import LONGEST_VIEWING, SHORTEST_REASON

LONGEST_PATH = 200
NO_OPERATOR = Q(operator__is_staff=False) | Q(operator__is_active=False)
DELETED = Q(organization__deleted_at__isnull=False)


class NotAnOperator(Exception):
    """Whoever asks runs the installation no more."""


@transaction.atomic
def begin_viewing(
    *, organization: Organization, reason: str, acting_user: User, now: datetime
) -> Viewing:
    """
    Let an operator see an organization's pages until `ends_at`, and tell its owners.

    One at a time: what they viewed before ends. The operator's row is locked, so that
    of two that begin at once one is replaced by the other.

    :raises orgs.locks.OrganizationGone: if it was deleted.
    :raises NotAnOperator: if the person is none any more.
    """
    assert len(reason) >= SHORTEST_REASON, "by the form, and by constraint"
    lock_members_of(organization)
    people = User.objects.select_for_update(no_key=True)
    operator = people.filter(pk=acting_user.pk, is_staff=True, is_active=True).first()
    if operator is None:
        raise NotAnOperator
    end_open(
        Viewing.objects.filter(operator=operator),
        ended_by=ViewingEnd.REPLACED,
        acting_user=operator,
        now=now,
    )
    viewing = Viewing.objects.create(
        organization=organization,
        operator=operator,
        reason=reason,
        began_at=now,
        ends_at=now + LONGEST_VIEWING,
    )
    until = {"until": f"{viewing.ends_at:%Y-%m-%d %H:%M} UTC"}
    note(viewing, "began", until, acting_user=operator, now=now)
    queue_viewing_mail(viewing, now=now)
    return viewing


def queue_viewing_mail(viewing: Viewing, *, now: datetime) -> None:
    """Tell the owners who looks at their organization, and why."""
    organization = viewing.organization
    queue_mail(
        kind="viewing",
        recipients=addresses_of_owners(organization),
        subject=f"[{organization.full_name}] An operator looks at this organization",
        template="viewing",
        context={
            "viewing": viewing,
            "url": f"{settings.BASE_URL}/o/{organization.slug}/audit",
        },
        dedupe_key=f"viewing:{viewing.public_id}",
        organization=organization,
        now=now,
    )


@transaction.atomic
def end_viewing(
    *, public_id: str, ended_by: ViewingEnd, acting_user: User, now: datetime
) -> None:
    """End an operator's own viewing; repeating it changes nothing."""
    viewings = Viewing.objects.filter(public_id=public_id, operator=acting_user)
    end_open(viewings, ended_by=ended_by, acting_user=acting_user, now=now)


@transaction.atomic
def end_viewings_that_are_over(*, now: datetime) -> None:
    """
    Note the end of viewings that the door admits no more. Safe to repeat.

    The door looks by itself at each request: this is for the audit log.
    """
    reasons = (
        (DELETED, ViewingEnd.DELETED),
        (NO_OPERATOR, ViewingEnd.NO_OPERATOR),
        (Q(ends_at__lte=now), ViewingEnd.TIME),
    )
    for condition, ended_by in reasons:
        viewings = Viewing.objects.filter(condition)
        end_open(viewings, ended_by=ended_by, acting_user=None, now=now)


def end_open(
    viewings: QuerySet[Viewing],
    *,
    ended_by: ViewingEnd,
    acting_user: User | None,
    now: datetime,
) -> None:
    """End those that are not over, each with its audit event."""
    rows = viewings.filter(ended_at__isnull=True).order_by("pk")
    for viewing in rows.select_for_update(of=("self",)).select_related("operator"):
        viewing.ended_at, viewing.ended_by = now, ended_by
        viewing.save(update_fields=["ended_at", "ended_by"])
        how = {"ended": str(ended_by.label)}
        note(viewing, "ended", how, acting_user=acting_user, now=now)


@transaction.atomic
def note_export(
    *, viewing: Viewing, path: str, acting_user: User, now: datetime
) -> None:
    """Note that the operator takes a file with them."""
    facts = {"file": path[:LONGEST_PATH]}
    note(viewing, "exported", facts, acting_user=acting_user, now=now)


def note(
    viewing: Viewing,
    what: str,
    facts: dict[str, Any],
    *,
    acting_user: User | None,
    now: datetime,
) -> None:
    """Tell the organization's audit log of a viewing: whose it is, and why."""
    audit.record(
        organization=viewing.organization,
        actor=acting_user,
        action=f"viewing.{what}",
        target=viewing.public_id,
        details={"operator": viewing.operator.email, "reason": viewing.reason, **facts},
        now=now,
    )
