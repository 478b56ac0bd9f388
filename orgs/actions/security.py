"""What an organization asks of its members' log-in."""

from __future__ import annotations

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import transaction

from orgs import audit
from orgs.models import Organization, User
from orgs.queries import SECOND_FACTORS


class NoSecondFactor(Exception):
    """Who would require it of others has none: they would lock themselves out."""


@transaction.atomic
def require_two_factor(
    *, organization: Organization, is_required: bool, acting_user: User, now: datetime
) -> None:
    """
    Keep members without a second factor out of the pages, or let them in again.

    API keys go on working. The same again changes nothing.

    :raises NoSecondFactor: if the acting person has none.
    """
    current = Organization.objects.select_for_update(no_key=True).get(
        pk=organization.pk
    )
    if current.requires_two_factor == is_required:
        return
    factors = Authenticator.objects.select_for_update().filter(
        user=acting_user, type__in=SECOND_FACTORS
    )
    if is_required and not list(factors):
        raise NoSecondFactor
    current.requires_two_factor = is_required
    current.save(update_fields=["requires_two_factor"])
    organization.requires_two_factor = is_required
    audit.record(
        organization=current,
        actor=acting_user,
        action="organization.updated",
        target=current.public_id,
        details={
            "before": {"requires_two_factor": not is_required},
            "after": {"requires_two_factor": is_required},
        },
        now=now,
    )
