"""What pages and mails ask about people and organizations."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from allauth.mfa.models import Authenticator
from django.db.models import Model, QuerySet, Sum

from orgs.models import (
    Invitation,
    MailChoice,
    Membership,
    Organization,
    Role,
    User,
    Viewing,
)
from orgs.tokens import digest_token

Row = TypeVar("Row", bound=Model)
VIEWINGS_SHOWN = 20
# Recovery codes are none: they come with these.
SECOND_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def visible_to(viewer: Membership, rows: QuerySet[Row]) -> QuerySet[Row]:
    """
    Return what a member may see of rows that have an organization and a person.

    Those of the organization; to a reader, the reader's own.
    """
    of_organization = rows.filter(organization=viewer.organization_id)
    if viewer.is_owner:
        return of_organization
    return of_organization.filter(user=viewer.user_id)


def organizations_of(user: User) -> list[Membership]:
    """Return a person's memberships, by the organizations' names."""
    return list(
        user.memberships.select_related("organization").order_by(
            "organization__name", "organization_id"
        )
    )


def landing_organization(user: User) -> Organization | None:
    """Return the organization that opens after log-in: the default, else the first."""
    organizations = [each.organization for each in organizations_of(user)]
    for each in organizations:
        if each.pk == user.default_organization_id:
            return each
    return organizations[0] if organizations else None


def owned_organizations(user: User) -> QuerySet[Organization]:
    """Return the organizations that a person owns, by name."""
    return Organization.objects.filter(
        memberships__user=user, memberships__role=Role.OWNER
    ).order_by("name", "pk")


def possible_siblings(organization: Organization, user: User) -> QuerySet[Organization]:
    """Return what a person owns that could be the organization's pair."""
    unpaired = owned_organizations(user).filter(sibling__isnull=True)
    return unpaired.exclude(environment=organization.environment)


def owners_of(organization: Organization) -> list[User]:
    """Return the active owners, by address."""
    return list(
        User.objects.filter(
            memberships__organization=organization,
            memberships__role=Role.OWNER,
            is_active=True,
        ).order_by("email")
    )


def addresses_of_owners(organization: Organization) -> list[str]:
    """Return the active owners' addresses. What they refused, `queue_mail` knows."""
    return [owner.email for owner in owners_of(organization)]


def refusing_addresses(organization: Organization, kind: str) -> set[str]:
    """Return the addresses that want no mails of a kind about an organization."""
    choices = MailChoice.objects.filter(
        organization=organization, kind=kind, is_wanted=False
    )
    return set(choices.values_list("email", flat=True))


def addresses_of_operators() -> list[str]:
    """Return the addresses of the people who run the installation."""
    operators = User.objects.filter(is_staff=True, is_active=True)
    return list(operators.order_by("email").values_list("email", flat=True))


def members_of(organization: Organization) -> QuerySet[Membership]:
    """Return the memberships with their people: owners first, then by name."""
    return organization.memberships.select_related("user").order_by(
        "role", "user__name", "user__email"
    )


def pending_invitations(organization: Organization) -> QuerySet[Invitation]:
    """Return invitations neither accepted nor revoked; they may have expired."""
    return (
        Invitation.objects.pending()
        .filter(organization=organization)
        .select_related("invited_by")
        .order_by("-created_at", "email")
    )


def is_member(*, organization: Organization, email: str) -> bool:
    return Membership.objects.filter(
        organization=organization, user__email=email.strip().lower()
    ).exists()


def open_invitations(organization: Organization, *, now: datetime) -> int:
    """Return how many invitations can still be accepted."""
    return pending_invitations(organization).filter(expires_at__gt=now).count()


def invitation_mails(organization: Organization, *, since: datetime) -> int:
    """Return how many mails the invitations sent since then have had in all."""
    sent = Invitation.objects.filter(organization=organization, sent_at__gt=since)
    return int(sent.aggregate(mails=Sum("times_sent", default=0))["mails"])


def invitation_of_link(token: str) -> Invitation | None:
    """Return the invitation whose mailed link holds the token, open or not."""
    invitations = Invitation.objects.select_related("organization", "invited_by")
    return invitations.filter(token_digest=digest_token(token)).first()


def has_second_factor(user: User) -> bool:
    """Say whether logging in takes more than the password."""
    factors = Authenticator.objects.filter(user=user, type__in=SECOND_FACTORS)
    return bool(factors.exists())


def is_invited(email: str, *, now: datetime) -> bool:
    """Say whether an invitation of the address waits to be accepted."""
    return (
        Invitation.objects.pending()
        .filter(email=email.strip().lower(), expires_at__gt=now)
        .exists()
    )


def has_account(email: str) -> bool:
    return User.objects.filter(email=email.strip().lower()).exists()


def viewing_under_way(
    operator: User, public_id: str, *, now: datetime
) -> Viewing | None:
    """Return an operator's viewing, if it is not over and the organization is there."""
    viewings = Viewing.objects.select_related("organization", "operator").filter(
        public_id=public_id,
        operator=operator,
        ended_at__isnull=True,
        ends_at__gt=now,
        organization__deleted_at__isnull=True,
    )
    return viewings.first()


def viewings_of(organization: Organization) -> list[Viewing]:
    """Return the newest viewings of an organization by operators."""
    viewings = Viewing.objects.filter(organization=organization)
    return list(viewings.select_related("operator").order_by("-pk")[:VIEWINGS_SHOWN])
