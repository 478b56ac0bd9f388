"""The operator suspends an organization, and ends that."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from orgs import audit
from orgs.locks import lock_members_of
from orgs.mail import queue_mail
from orgs.models import Organization, User
from orgs.queries import addresses_of_owners


@transaction.atomic
def suspend_organization(
    *, organization: Organization, message: str, acting_user: User, now: datetime
) -> None:
    """
    Refuse an organization's API requests from now on, and tell its owners why.

    Its pages stay to be read. Gateways hear of it at the commit. Of one that is
    suspended already this changes the message; the same again changes nothing.

    :raises orgs.locks.OrganizationGone: if it was deleted.
    """
    assert message.strip(), "by constraint"
    before = current_message(organization)
    if before == message:
        return
    if organization.suspended_at is None:
        organization.suspended_at = now
    organization.suspended_message = message
    note_change(organization, "suspended", before, acting_user, now)


@transaction.atomic
def reactivate_organization(
    *, organization: Organization, acting_user: User, now: datetime
) -> None:
    """
    Answer a suspended organization's requests again, and tell its owners.

    Of one that is not suspended this changes nothing.

    :raises orgs.locks.OrganizationGone: if it was deleted.
    """
    before = current_message(organization)
    if not before:
        return
    organization.suspended_at, organization.suspended_message = None, ""
    note_change(organization, "reactivated", before, acting_user, now)


def current_message(organization: Organization) -> str:
    """Lock the organization; return why it is suspended, or nothing."""
    lock_members_of(organization)
    organization.refresh_from_db(fields=["suspended_at", "suspended_message"])
    return organization.suspended_message


def note_change(
    organization: Organization,
    what: str,
    before: str,
    acting_user: User,
    now: datetime,
) -> None:
    """Save how an organization stands now, with its audit event and its mails."""
    organization.save(update_fields=["suspended_at", "suspended_message"])
    messages = {"before": before, "after": organization.suspended_message}
    audit.record(
        organization=organization,
        actor=acting_user,
        action=f"organization.{what}",
        target=organization.public_id,
        details={side: {"message": text} for side, text in messages.items() if text},
        now=now,
    )
    queue_suspension_mail(organization, what, now)


def queue_suspension_mail(organization: Organization, what: str, now: datetime) -> None:
    """Tell the owners that it was suspended or reactivated."""
    queue_mail(
        kind=f"organization_{what}",
        recipients=addresses_of_owners(organization),
        subject=f"[{organization.full_name}] The operator {what} this organization",
        template="suspension",
        context={"url": f"{settings.BASE_URL}/o/{organization.slug}/overview"},
        dedupe_key=f"{what}:{organization.public_id}:{now:%Y-%m-%dT%H:%M:%S.%f}",
        organization=organization,
        now=now,
        thread=f"suspension:{organization.public_id}",
    )
