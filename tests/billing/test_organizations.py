"""Organizations are created with their funding, in pairs, and renamed."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from billing.actions import organizations
from billing.models import CreditGrant
from orgs.models import AuditEvent, Environment, Membership, Organization, User
from orgs.sibling_names import sibling_name
from tests.visits import browser_of

pytestmark = pytest.mark.django_db

NEW = {"name": "Initech", "environment": "production", "with_sibling": "on"}


def initech() -> Organization:
    return Organization.objects.get(name="Initech")


def test_creating_makes_a_pair_that_its_founder_owns(oscar: User) -> None:
    answer = browser_of(oscar).post("/organizations/new", NEW)
    assert answer["Location"] == "/o/initech/"
    staging = initech().sibling
    assert staging is not None
    assert (staging.name, staging.environment) == ("Initech Staging", "staging")
    assert staging.sibling == initech()
    owners = Membership.objects.filter(user=oscar, role="owner")
    assert {each.organization for each in owners} == {initech(), staging}


def test_without_the_tick_there_is_one_organization(oscar: User) -> None:
    form = {"name": "  Initech  ", "environment": "staging"}
    browser_of(oscar).post("/organizations/new", form)
    assert Organization.objects.get() == initech()
    assert initech().is_staging
    assert initech().sibling is None


def test_a_person_has_one_trial_however_many_organizations(oscar: User) -> None:
    browser = browser_of(oscar)
    browser.post("/organizations/new", NEW)
    browser.post("/organizations/new", {**NEW, "name": "Initrode"})
    assert CreditGrant.objects.get().organization == initech()


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"name": "x" * 61}, {"environment": "test"}]
)
def test_a_form_with_an_error_creates_nothing(
    oscar: User, wrong: dict[str, str]
) -> None:
    answer = browser_of(oscar).post("/organizations/new", {**NEW, **wrong})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert not Organization.objects.exists()
    assert not AuditEvent.objects.exists()


def test_who_owns_too_many_creates_no_more(
    oscar: User, globex: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(organizations, "OWNED_MAX", 2)
    answer = browser_of(oscar).post("/organizations/new", NEW)
    assert "as many as one person may" in answer.content.decode()
    assert Organization.objects.get() == globex
    assert not AuditEvent.objects.exists()


def test_renaming_keeps_the_address(ada: User, acme: Organization) -> None:
    browser_of(ada).post("/o/acme/settings/name", {"name": " Acme  Works "})
    acme.refresh_from_db()
    assert (acme.name, acme.slug) == ("Acme Works", "acme")
    event = AuditEvent.objects.get()
    assert event.action == "organization.updated"
    assert event.details == {
        "before": {"name": "Acme"},
        "after": {"name": "Acme Works"},
    }


def test_an_empty_name_renames_nothing(ada: User, acme: Organization) -> None:
    answer = browser_of(ada).post("/o/acme/settings/name", {"name": "  "})
    acme.refresh_from_db()
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert acme.name == "Acme"
    assert not AuditEvent.objects.exists()


def test_the_missing_half_is_created_and_paired(ada: User, acme: Organization) -> None:
    browser_of(ada).post("/o/acme/settings/pair/create")
    acme.refresh_from_db()
    assert acme.sibling is not None
    assert acme.sibling.name == "Acme Staging"
    assert acme.sibling.is_staging


def test_a_pair_gets_no_third(
    ada: User, acme: Organization, acme_staging: Organization
) -> None:
    browser = browser_of(ada)
    answer = browser.post("/o/acme/settings/pair/create", follow=True)
    assert "neither of them paired" in answer.content.decode()
    assert Organization.objects.count() == 2
    assert not AuditEvent.objects.exists()


def test_a_pair_is_taken_apart_and_put_together_again(
    ada: User, acme: Organization, acme_staging: Organization
) -> None:
    browser = browser_of(ada)
    browser.post("/o/acme/settings/pair/remove")
    acme_staging.refresh_from_db()
    assert acme_staging.sibling is None
    browser.post("/o/acme/settings/pair", {"sibling": acme_staging.public_id})
    acme_staging.refresh_from_db()
    assert acme_staging.sibling == acme


def test_a_pair_is_not_formed_with_a_foreign_organization(
    ada: User, acme: Organization, oscar: User, globex: Organization
) -> None:
    Organization.objects.filter(pk=globex.pk).update(environment=Environment.STAGING)
    answer = browser_of(ada).post(
        "/o/acme/settings/pair", {"sibling": globex.public_id}
    )
    acme.refresh_from_db()
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Globex" not in answer.content.decode()
    assert acme.sibling is None


def test_a_reader_of_the_other_half_cannot_pair_it(
    rita: User, acme: Organization, acme_staging: Organization
) -> None:
    Membership.objects.filter(user=rita).update(role="owner")
    Organization.objects.update(sibling=None)
    Membership.objects.create(user=rita, organization=acme_staging, role="reader")
    answer = browser_of(rita).post(
        "/o/acme/settings/pair", {"sibling": acme_staging.public_id}
    )
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert not Organization.objects.filter(sibling__isnull=False).exists()


@pytest.mark.parametrize(
    ("name", "environment", "expected"),
    [
        ("Acme", "staging", "Acme Staging"),
        ("Acme Staging", "production", "Acme"),
        ("Acme Production", "staging", "Acme Staging"),
        ("Trials", "production", "Trials Production"),
        ("x" * 80, "staging", "x" * 72 + " Staging"),
    ],
)
def test_a_sibling_is_named_after_its_pair(
    name: str, environment: str, expected: str
) -> None:
    assert sibling_name(name, Environment(environment)) == expected


@pytest.mark.parametrize("path", ["/o/acme/members", "/o/acme/settings"])
def test_a_member_of_staging_is_a_stranger_in_production(
    acme: Organization, acme_staging: Organization, oscar: User, path: str
) -> None:
    Membership.objects.create(user=oscar, organization=acme_staging, role="owner")
    browser = browser_of(oscar)
    assert browser.get(path).status_code == HTTPStatus.NOT_FOUND
    staging = path.replace("/acme/", "/acme-staging/")
    assert browser.get(staging).status_code == HTTPStatus.OK
