"""Set an organization up in one go: the whole of it, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from billing.actions.funding import (
    enter_billing_profile,
    grant_trial_credit,
    set_approved_limit,
)
from billing.actions.limits import SoftLimitExists, add_soft_limit, set_hard_limit
from billing.models import BillingProfile
from keys.actions import IssuedKey, issue_key, revoke_key, store_provider_key
from keys.encryption import CannotDecrypt
from keys.models import ApiKey, ApiKeyKind, ProviderKey
from keys.queries import open_provider_key, provider_key_of
from orgs import audit
from orgs.actions.members import add_member, change_role
from orgs.actions.organizations import create_organization
from orgs.models import Organization, Role, User

KEY_NAME = "bootstrap"


class SeveralOrganizations(Exception):
    """More than one organization has this name and environment."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Where an organization's requests go, and the key it spends on there."""

    base_url: str
    secret: str

    def __repr__(self) -> str:
        return f"Provider({self.base_url})"


@dataclass(frozen=True, slots=True)
class SetUp:
    """What an organization shall be. None leaves a thing as it is."""

    name: str
    environment: str
    owner_email: str
    password: str | None = None
    provider: Provider | None = None
    hard_limit_nanos: int | None = None
    soft_limit_nanos: int | None = None
    approved_limit_nanos: int | None = None
    has_billing_information: bool = False
    reissues_keys: bool = False

    def __repr__(self) -> str:
        return f"SetUp({self.name}, {self.environment})"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is there now. Keys only where they were issued just now."""

    organization: Organization
    owner: User
    api_key: IssuedKey | None
    admin_key: IssuedKey | None


@transaction.atomic
def set_up_organization(wish: SetUp, *, now: datetime) -> Outcome:
    """
    Create or update an organization, its owner, provider key, limits and keys.

    Safe to repeat: what is as wished is left alone. Runs one at a time.

    :raises SeveralOrganizations: if the name does not say which one is meant.
    :raises TooManySoftLimits: if there is no room for another one.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('set_up_organization'))")
    owner = ensure_person(wish.owner_email, wish.password, now=now)
    organization = ensure_organization(wish, owner, now=now)
    if wish.provider is not None:
        ensure_provider_key(organization, wish.provider, now=now)
    set_funding_and_limits(organization, wish, now=now)
    return Outcome(
        organization=organization,
        owner=owner,
        api_key=ensure_key(ApiKeyKind.SERVICE, organization, wish, None, now=now),
        # Somebody answers for what it changes.
        admin_key=ensure_key(ApiKeyKind.ADMIN, organization, wish, owner, now=now),
    )


def ensure_person(email: str, password: str | None, *, now: datetime) -> User:
    """
    Return the person with an address, made if there is none.

    Somebody who has an account keeps their password. Without one, a new person
    sets it by the link of "forgot password".
    """
    found = User.objects.filter(email=email.lower()).first()
    if found is not None:
        return found
    person = User.objects.create_user(email, password, date_joined=now)
    audit.record(
        organization=None,
        actor=None,
        action="user.created",
        target=person.public_id,
        details={"after": {"email": person.email}},
        now=now,
    )
    return person


def ensure_organization(wish: SetUp, owner: User, *, now: datetime) -> Organization:
    """Return the organization that is meant, made if there is none, with its owner."""
    found = Organization.objects.filter(
        name=wish.name, environment=wish.environment, deleted_at__isnull=True
    )
    if len(found) > 1:
        raise SeveralOrganizations
    if not found:
        organization = create_organization(
            name=wish.name,
            environment=wish.environment,
            owner=owner,
            acting_user=None,
            now=now,
        )
        grant_trial_credit(organization=organization, acting_user=None, now=now)
        return organization
    membership = add_member(
        organization=found[0], user=owner, role=Role.OWNER, acting_user=None, now=now
    )
    change_role(membership=membership, role=Role.OWNER, acting_user=None, now=now)
    return found[0]


def ensure_provider_key(
    organization: Organization, provider: Provider, *, now: datetime
) -> None:
    key = provider_key_of(organization)
    if key is None or not is_same(key, provider):
        store_provider_key(
            organization=organization,
            base_url=provider.base_url,
            secret=provider.secret,
            acting_user=None,
            now=now,
        )


def is_same(key: ProviderKey, provider: Provider) -> bool:
    if key.base_url != provider.base_url:
        return False
    try:
        return open_provider_key(key) == provider.secret
    except CannotDecrypt:
        return False


def set_funding_and_limits(
    organization: Organization, wish: SetUp, *, now: datetime
) -> None:
    profile = BillingProfile.objects.filter(organization=organization)
    if wish.has_billing_information and not profile.exists():
        enter_billing_profile(
            organization=organization,
            legal_name=organization.name,
            acting_user=None,
            now=now,
        )
    if wish.approved_limit_nanos is not None:
        set_approved_limit(
            organization=organization,
            amount_nanos=wish.approved_limit_nanos,
            acting_user=None,
            now=now,
        )
    if wish.hard_limit_nanos is not None:
        set_hard_limit(
            organization=organization,
            amount_nanos=wish.hard_limit_nanos,
            acting_user=None,
            now=now,
        )
    if wish.soft_limit_nanos is not None:
        ensure_soft_limit(organization, wish.soft_limit_nanos, now=now)


def ensure_soft_limit(
    organization: Organization, amount_nanos: int, *, now: datetime
) -> None:
    try:
        add_soft_limit(
            organization=organization,
            amount_nanos=amount_nanos,
            acting_user=None,
            now=now,
        )
    except SoftLimitExists:
        return


def ensure_key(
    kind: ApiKeyKind,
    organization: Organization,
    wish: SetUp,
    maker: User | None,
    *,
    now: datetime,
) -> IssuedKey | None:
    """
    Issue the key of a kind unless a live one is there.

    With `reissues_keys` the ones before are revoked and a new one is issued.
    """
    live = ApiKey.objects.filter(
        kind=kind, organization=organization, name=KEY_NAME
    ).live(at=now)
    if live and not wish.reissues_keys:
        return None
    for key in live:
        revoke_key(key=key, acting_user=None, now=now)
    return issue_key(
        kind=kind,
        environment=organization.environment,
        name=KEY_NAME,
        organization=organization,
        user=None,
        acting_user=maker,
        expires_at=None,
        now=now,
    )
