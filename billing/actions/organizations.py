"""Organizations begin with their funding, and end when nothing is owed."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from django.db import transaction

from billing.actions.funding import grant_trial_credit
from billing.actions.limits import set_hard_limit
from billing.models import BillingProfile, Budget
from core.periods import cycle_of
from keys.actions import revoke_key
from keys.actions.provider_admin_keys import remove_admin_key
from keys.models import ApiKey, ProviderKey
from orgs import audit
from orgs.actions import (
    CannotPair,
    close_organization,
    create_organization,
    link_siblings,
)
from orgs.locks import lock_members_of
from orgs.models import Organization, User
from orgs.queries import owned_organizations
from orgs.sibling_names import other_environment, sibling_name

# A limit on everything: a person who owns more has a script that went wrong.
OWNED_MAX = 50


class TooManyOrganizations(Exception):
    """The person owns as many organizations as one may."""


class Debt(Enum):
    """Why an organization cannot be deleted now."""

    HELD = "held"
    OWED = "owed"


class NotSettled(Exception):
    """The organization holds money for requests under way, or owes this cycle's."""

    def __init__(self, debt: Debt) -> None:
        super().__init__(debt.value)
        self.debt = debt


@transaction.atomic
def found_organization(
    *,
    name: str,
    environment: str,
    founder: User,
    with_sibling: bool,
    now: datetime,
    new_id: str | None = None,
) -> Organization:
    """
    Create an organization that its founder owns, and its pair at once if wished.

    A person's first production organization gets the trial credit. One under the new
    id that they own already is returned: of a form that is sent twice.

    :raises TooManyOrganizations: if the person owns `OWNED_MAX`, or would own more.
    """
    # Whoever founds two at once waits here, so that the count holds.
    User.objects.select_for_update(no_key=True).get(pk=founder.pk)
    before = Organization.objects.filter(public_id=new_id or "").first()
    if before is not None:
        is_same = (before.name, before.environment) == (name, environment)
        if is_same and owned_organizations(founder).filter(pk=before.pk).exists():
            return before
        new_id = None  # the form of another, filled in anew
    wanted = 2 if with_sibling else 1
    if owned_organizations(founder).count() + wanted > OWNED_MAX:
        raise TooManyOrganizations
    organization = funded(name, environment, founder, now, public_id=new_id)
    if with_sibling:
        found_sibling(organization=organization, founder=founder, now=now)
    return organization


@transaction.atomic
def found_sibling(
    *, organization: Organization, founder: User, now: datetime
) -> Organization:
    """
    Create an organization of the other environment and pair the two.

    Its only member is its founder: who may use one may not use the other for that.

    :raises CannotPair: if the organization has a pair.
    :raises TooManyOrganizations: if the person owns `OWNED_MAX`.
    """
    User.objects.select_for_update(no_key=True).get(pk=founder.pk)
    lock_members_of(organization)
    organization.refresh_from_db(fields=["sibling", "name"])
    if organization.sibling is not None:
        raise CannotPair
    if owned_organizations(founder).count() >= OWNED_MAX:
        raise TooManyOrganizations
    other = other_environment(organization)
    name = sibling_name(organization.name, other)
    sibling = funded(name, other, founder, now)
    link_siblings(one=organization, other=sibling, acting_user=founder, now=now)
    return sibling


def funded(
    name: str,
    environment: str,
    founder: User,
    now: datetime,
    *,
    public_id: str | None = None,
) -> Organization:
    organization = create_organization(
        name=name,
        environment=environment,
        owner=founder,
        acting_user=founder,
        public_id=public_id,
        now=now,
    )
    grant_trial_credit(organization=organization, acting_user=founder, now=now)
    return organization


@transaction.atomic
def delete_organization(
    *, organization: Organization, acting_user: User | None, now: datetime
) -> None:
    """
    Delete an organization: no key of it works, nobody is in it, its pages are gone.

    Records, budgets and the audit log stay, for the operator. The provider's key is
    destroyed. From the commit on nothing can be held for it: its hard limit is zero,
    and gateways that still know its keys ask the same budget row.

    :raises NotSettled: if money is held or owed; nothing changes then.
    :raises orgs.locks.OrganizationGone: if it was deleted before.
    """
    lock_members_of(organization)
    refuse_unsettled(organization, now)
    set_hard_limit(
        organization=organization, amount_nanos=0, acting_user=acting_user, now=now
    )
    end_keys(organization, acting_user, now)
    close_organization(organization=organization, acting_user=acting_user, now=now)


def refuse_unsettled(organization: Organization, now: datetime) -> None:
    """Hold off the books until the commit, and look whether they are even."""
    Budget.objects.get_or_create(organization=organization, cycle_start=cycle_of(now))
    budgets = Budget.objects.select_for_update(no_key=True).order_by("pk")
    debt = debt_among(
        organization, list(budgets.filter(organization=organization)), now
    )
    if debt is not None:
        raise NotSettled(debt)


def debt_among(
    organization: Organization, budgets: list[Budget], now: datetime
) -> Debt | None:
    """
    Return why these budgets are not even.

    Owed is what the running cycle cost where billing information was entered:
    without it only credit was spent, and staging costs nothing.
    """
    if any(budget.held_nanos for budget in budgets):
        return Debt.HELD
    spent = sum(
        budget.spent_nanos for budget in budgets if budget.cycle_start == cycle_of(now)
    )
    if spent == 0 or organization.is_staging:
        return None
    is_billed = BillingProfile.objects.filter(organization=organization).exists()
    return Debt.OWED if is_billed else None


def debt_of(organization: Organization, *, now: datetime) -> Debt | None:
    """Return why the organization cannot be deleted now, for its page. Not locked."""
    budgets = Budget.objects.filter(organization=organization)
    return debt_among(organization, list(budgets), now)


def end_keys(
    organization: Organization, acting_user: User | None, now: datetime
) -> None:
    keys = ApiKey.objects.select_for_update(of=("self",))
    for key in keys.filter(organization=organization, revoked_at__isnull=True):
        revoke_key(key=key, acting_user=acting_user, now=now)
    remove_admin_key(organization=organization, acting_user=acting_user, now=now)
    deleted, _ = ProviderKey.objects.filter(organization=organization).delete()
    if deleted:
        audit.record(
            organization=organization,
            actor=acting_user,
            action="provider_key.deleted",
            target=organization.public_id,
            now=now,
        )
