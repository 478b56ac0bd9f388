"""Which mails somebody gets: every kind for each organization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from orgs.models import (
    Environment,
    MailChoice,
    Membership,
    Organization,
    Role,
    User,
)
from orgs.person_models import BY_CHOICE, FOR_EVERY_MEMBER, OptionalMail
from orgs.queries import organizations_of

# What stops an organization's requests, what it owes, and who can get in. Whether
# every member gets it, or owners alone.
ALWAYS_MAILED = (
    ("Hard limits reached, approved limits changed, raises that end", Role.OWNER),
    ("Credit that is gone where nothing else pays, suspensions", Role.OWNER),
    ("Invoices, where no billing address is entered", Role.OWNER),
    ("Cards that do not pay an invoice", Role.OWNER),
    ("Operators who view the organization", Role.OWNER),
    ("New and former owners, provider keys, admin keys", Role.OWNER),
    ("Answers to what you asked for", Role.READER),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """
    A kind of mail in one organization.

    `value` names it in the form; without one it cannot be chosen.
    """

    organization: Organization
    value: str = ""
    is_sent: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of mail, with a cell for each of somebody's organizations."""

    label: str
    cells: Sequence[Cell]
    is_optional: bool


def preferences_of(user: User) -> list[Row]:
    """Return every kind of mail that a person can get, chosen ones first."""
    memberships = organizations_of(user)
    wanted = wanted_values(user, memberships)
    rows = [
        Row(
            kind.label,
            [cell_of(kind, each, wanted) for each in memberships],
            is_optional=True,
        )
        for kind in OptionalMail
    ]
    return rows + [
        always_row(label, role, memberships) for label, role in ALWAYS_MAILED
    ]


def cell_of(kind: OptionalMail, membership: Membership, wanted: set[str]) -> Cell:
    if not is_offered(kind, membership):
        return Cell(membership.organization)
    value = value_of(kind, membership.organization)
    return Cell(membership.organization, value, is_sent=value in wanted)


def always_row(label: str, role: str, memberships: Sequence[Membership]) -> Row:
    cells = [
        Cell(each.organization, is_sent=each.is_owner or role == Role.READER)
        for each in memberships
    ]
    return Row(label, cells, is_optional=False)


def is_offered(kind: OptionalMail, membership: Membership) -> bool:
    """Say whether a member of this role gets such mails at all."""
    return membership.is_owner or kind in FOR_EVERY_MEMBER


def is_wanted_by_default(kind: OptionalMail, membership: Membership) -> bool:
    """Say whether a member gets a kind without having chosen."""
    if kind is OptionalMail.MONTHLY_REPORT:
        return membership.is_owner and not membership.organization.is_staging
    return kind not in BY_CHOICE and is_offered(kind, membership)


def memberships_wanting(kind: OptionalMail) -> QuerySet[Membership]:
    """Return the members of all organizations who get a kind, chosen or by default."""
    assert kind in FOR_EVERY_MEMBER
    choices = MailChoice.objects.filter(
        organization=OuterRef("organization"), email=OuterRef("user__email"), kind=kind
    )
    chosen = Exists(choices.filter(is_wanted=True))
    by_default = {
        OptionalMail.WEEKLY_REPORT: Q(pk__isnull=True),
        OptionalMail.MONTHLY_REPORT: Q(
            role=Role.OWNER, organization__environment=Environment.PRODUCTION
        ),
    }.get(kind, Q())
    return Membership.objects.filter(
        chosen | (by_default & ~Exists(choices)),
        user__is_active=True,
        organization__deleted_at__isnull=True,
    )


def value_of(kind: OptionalMail, organization: Organization) -> str:
    return f"{kind}:{organization.public_id}"


def offered_values(memberships: Sequence[Membership]) -> dict[str, tuple[int, str]]:
    """Return all that can be chosen, with the ids of organization and kind."""
    return {
        value_of(kind, each.organization): (each.organization_id, kind.value)
        for each in memberships
        for kind in OptionalMail
        if is_offered(kind, each)
    }


def wanted_values(user: User, memberships: Sequence[Membership]) -> set[str]:
    """Return what is sent to a person, of all that can be chosen."""
    choices = MailChoice.objects.filter(
        email=user.email, organization__in=[each.organization for each in memberships]
    )
    chosen = {
        (organization_id, kind): is_wanted
        for organization_id, kind, is_wanted in choices.values_list(
            "organization_id", "kind", "is_wanted"
        )
    }
    return {
        value_of(kind, each.organization)
        for each in memberships
        for kind in OptionalMail
        if is_offered(kind, each)
        and chosen.get(
            (each.organization_id, kind.value), is_wanted_by_default(kind, each)
        )
    }
