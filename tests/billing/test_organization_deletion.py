"""An organization is deleted by its typed name, when nothing is owed."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.utils import timezone

from billing.limits import Binding
from billing.models import BillingProfile, Budget, SpendLimits
from core.periods import cycle_of
from keys.models import ApiKey, ProviderKey
from keys.verification import identify
from orgs.actions import add_member, create_organization, invite_member
from orgs.locks import OrganizationGone
from orgs.models import AuditEvent, Invitation, Membership, Organization, User
from tests.architecture import routes
from tests.billing.books import book, hold_of
from tests.factories import NOW, usd
from tests.usage_factories import make_key
from tests.visits import browser_of

pytestmark = pytest.mark.django_db

PATH = "/o/acme/settings/delete"
NAME = {"name": "Acme"}


def budget(acme: Organization, **amounts: int) -> None:
    cycle_start = cycle_of(timezone.now())
    Budget.objects.create(organization=acme, cycle_start=cycle_start, **amounts)


def test_a_deleted_organization_is_gone_for_everybody(
    ada: User, rita: User, acme: Organization
) -> None:
    answer = browser_of(ada).post(PATH, NAME)
    assert answer["Location"] == "/"
    for person in (ada, rita):
        page = browser_of(person).get("/o/acme/members")
        assert page.status_code == HTTPStatus.NOT_FOUND
    acme.refresh_from_db()
    rita.refresh_from_db()
    assert acme.deleted_at is not None
    assert rita.default_organization is None


def test_its_keys_stop_and_its_provider_key_is_destroyed(
    ada: User, acme: Organization
) -> None:
    key = make_key("Bot", organization=acme)
    ProviderKey.objects.create(
        organization=acme, base_url="https://api.openai.com/v1", ciphertext="-"
    )
    browser_of(ada).post(PATH, NAME)
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert not ProviderKey.objects.exists()


def test_a_key_made_while_it_is_deleted_is_of_nobody(
    ada: User, acme: Organization
) -> None:
    browser_of(ada).post(PATH, NAME)
    late = make_key("Bot", organization=acme)
    assert identify(late.digest) is None


def test_what_was_on_its_way_to_the_books_is_refused(
    ada: User, acme: Organization
) -> None:
    browser_of(ada).post(PATH, NAME)
    (refusal,) = book(hold_of(acme, usd("0.01"))).refusals.values()
    assert refusal.binding == Binding.HARD_LIMIT


def test_its_personal_members_keys_stay_theirs(
    ada: User, acme: Organization, acme_staging: Organization
) -> None:
    make_key("Laptop", user=ada)
    browser_of(ada).post(PATH, NAME)
    assert ApiKey.objects.get().revoked_at is None
    acme_staging.refresh_from_db()
    assert acme_staging.sibling is None
    assert Membership.objects.get().organization == acme_staging


@pytest.mark.parametrize("typed", ["", "acme", "Acme Staging"])
def test_another_name_deletes_nothing(
    ada: User, acme: Organization, typed: str
) -> None:
    browser, before = browser_of(ada), routes.everything_written()
    answer = browser.post(PATH, {"name": typed})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Delete Acme (Production)" in answer.content.decode()
    assert routes.everything_written() == before


def test_money_held_keeps_it(ada: User, acme: Organization) -> None:
    budget(acme, held_nanos=usd(1))
    browser, before = browser_of(ada), routes.everything_written()
    answer = browser.post(PATH, NAME)
    assert "Requests are under way" in answer.content.decode()
    assert routes.everything_written() == before


def test_a_bill_to_come_keeps_it(ada: User, acme: Organization) -> None:
    budget(acme, spent_nanos=usd(1))
    BillingProfile.objects.create(organization=acme, legal_name="Acme Inc.")
    browser, before = browser_of(ada), routes.everything_written()
    answer = browser.post(PATH, NAME)
    assert "not settled yet" in answer.content.decode()
    assert routes.everything_written() == before


def test_spent_credit_does_not_keep_it(ada: User, acme: Organization) -> None:
    budget(acme, spent_nanos=usd(1))
    browser_of(ada).post(PATH, NAME)
    acme.refresh_from_db()
    assert acme.deleted_at is not None
    assert Budget.objects.get().spent_nanos == usd(1)
    assert SpendLimits.objects.get().hard_limit_nanos == 0


def test_nobody_joins_what_is_deleted(ada: User, acme: Organization) -> None:
    invite_member(
        organization=acme,
        email="zoe@new.example",
        role="owner",
        acting_user=ada,
        now=NOW,
    )
    browser_of(ada).post(PATH, NAME)
    assert not Invitation.objects.pending().exists()
    with pytest.raises(OrganizationGone):
        add_member(organization=acme, user=ada, role="owner", acting_user=None, now=NOW)
    assert not Membership.objects.exists()


def test_its_address_is_not_given_to_another(
    ada: User, oscar: User, acme: Organization
) -> None:
    browser_of(ada).post(PATH, NAME)
    again = create_organization(
        name="Acme", environment="production", owner=oscar, acting_user=oscar, now=NOW
    )
    assert again.slug == "acme-2"


def test_the_audit_log_knows_who_was_in_it(
    ada: User, rita: User, acme: Organization
) -> None:
    browser_of(ada).post(PATH, NAME)
    event = AuditEvent.objects.get(action="organization.deleted")
    assert event.actor == ada
    assert event.details["before"] == {
        "name": "Acme",
        "members": {ada.public_id: "owner", rita.public_id: "reader"},
    }
