"""What owners are told at once, whether they want it: of who could then get in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings

from orgs.mail import queue_mail
from orgs.models import Organization, User
from orgs.origin import current_origin
from orgs.queries import addresses_of_owners


def queue_security_mail(
    *,
    organization: Organization,
    headline: str,
    meaning: str,
    cause: str,
    acting_user: User | None,
    others: Iterable[User] = (),
    now: datetime,
) -> None:
    """
    Tell every owner, and others concerned, what somebody did, when and whence.

    Whoever did it is told as well: it may not have been them. `cause` tells changes of
    one moment apart. What the installation did by itself is not told.
    """
    if acting_user is None:
        return
    people = [person.email for person in others]
    queue_mail(
        kind="security_notice",
        recipients=[*addresses_of_owners(organization), *people],
        subject=f"[{organization.full_name}] {headline}",
        template="security_notice",
        context={
            "headline": headline,
            "meaning": meaning,
            "actor": acting_user,
            "address": current_origin().address or "",
            "at": now,
            "url": f"{settings.BASE_URL}/o/{organization.slug}/audit",
        },
        dedupe_key=(
            f"security_notice:{organization.public_id}:{cause}"
            f":{now:%Y-%m-%dT%H:%M:%S.%f}"
        ),
        organization=organization,
        now=now,
    )


def tell_of_new_owner(
    organization: Organization,
    person: User,
    *,
    acting_user: User | None,
    now: datetime,
) -> None:
    queue_security_mail(
        organization=organization,
        headline=f"{person.get_full_name()} is an owner now",
        meaning="Owners change limits and billing information, make keys, and say who "
        "is a member.",
        cause=f"owner_added:{person.public_id}",
        acting_user=acting_user,
        others=[person],
        now=now,
    )


def tell_of_former_owner(
    organization: Organization,
    person: User,
    *,
    acting_user: User | None,
    now: datetime,
) -> None:
    queue_security_mail(
        organization=organization,
        headline=f"{person.get_full_name()} is no longer an owner",
        meaning="Invitations that they sent and nobody accepted are revoked.",
        cause=f"owner_removed:{person.public_id}",
        acting_user=acting_user,
        others=[person],
        now=now,
    )
