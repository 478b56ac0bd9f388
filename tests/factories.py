"""Plain functions that make what tests need. Amounts in dollars, kept as nanos."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from allauth.account.models import EmailAddress
from django.utils import timezone

from core.money import nanos_from_dollars
from orgs.actions import reactivate_organization, suspend_organization
from orgs.models import Environment, MailChoice, Membership, Organization, Role, User

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PASSWORD = "correct horse battery staple"


def usd(amount: str | int) -> int:
    """Return an amount of dollars in nano-dollars."""
    return nanos_from_dollars(Decimal(amount))


def make_user(email: str, *, name: str = "", is_staff: bool = False) -> User:
    user = User(
        email=email, name=name or email.split("@")[0].title(), is_staff=is_staff
    )
    user.is_superuser = is_staff
    user.set_password(PASSWORD)
    user.save()
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def make_organization(
    name: str, *, environment: str = Environment.PRODUCTION
) -> Organization:
    slug = name.lower().replace(" ", "-")
    return Organization.objects.create(name=name, slug=slug, environment=environment)


def join(user: User, organization: Organization, role: str = Role.READER) -> Membership:
    membership = Membership.objects.create(
        user=user, organization=organization, role=role
    )
    if user.default_organization is None:
        user.default_organization = organization
        user.save(update_fields=["default_organization"])
    return membership


def refuse_mail(user: User, organization: Organization, kind: str) -> None:
    """Let somebody do without a kind of mail."""
    MailChoice.objects.create(
        organization=organization, email=user.email, kind=kind, is_wanted=False
    )


def suspend(organization: Organization) -> None:
    """Suspend an organization, as an operator does."""
    suspend_organization(
        organization=organization,
        message="A bill is open.",
        acting_user=an_operator(),
        now=timezone.now(),
    )


def reactivate(organization: Organization) -> None:
    reactivate_organization(
        organization=organization, acting_user=an_operator(), now=timezone.now()
    )


def an_operator() -> User:
    found = User.objects.filter(is_staff=True).first()
    return found or make_user("op@tokenhouse.example", name="Op", is_staff=True)
