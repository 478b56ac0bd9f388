"""An organization that requires two factors lets in only members who have them."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from keys.models import ApiKey
from orgs.actions import NoSecondFactor, require_two_factor
from orgs.models import AuditEvent, Organization, User
from tests.architecture.routes import organization_routes
from tests.factors import give_app
from tests.usage_factories import make_key
from tests.visits import browser_of

pytestmark = pytest.mark.django_db

FORM = "/o/acme/settings/two-factor"


@pytest.fixture
def strict(acme: Organization, ada: User) -> Organization:
    """Acme, which requires two factors; Ada has them."""
    give_app(ada)
    require_two_factor(
        organization=acme, is_required=True, acting_user=ada, now=timezone.now()
    )
    return acme


def is_required(organization: Organization) -> bool:
    organization.refresh_from_db()
    return organization.requires_two_factor


def test_an_owner_with_a_factor_requires_it(acme: Organization, ada: User) -> None:
    give_app(ada)
    browser_of(ada).post(FORM, {"is_required": "on"})
    assert is_required(acme)
    event = AuditEvent.objects.get(action="organization.updated")
    assert event.details["after"] == {"requires_two_factor": True}


def test_an_owner_without_one_is_told_why_not(acme: Organization, ada: User) -> None:
    answer = browser_of(ada).post(FORM, {"is_required": "on"}, follow=True)
    assert "lock yourself out" in answer.content.decode()
    assert not is_required(acme)
    assert not AuditEvent.objects.exists()


def test_recovery_codes_alone_are_no_factor(acme: Organization, ada: User) -> None:
    give_app(ada)
    ada.authenticator_set.filter(type="totp").delete()  # type: ignore[attr-defined]
    with pytest.raises(NoSecondFactor):
        require_two_factor(
            organization=acme, is_required=True, acting_user=ada, now=timezone.now()
        )
    assert not is_required(acme)


def test_a_member_without_a_factor_is_kept_out_of_every_page(
    strict: Organization, rita: User
) -> None:
    browser = browser_of(rita)
    plain = [route for route in organization_routes() if len(route.arguments) == 1]
    assert len(plain) > 10
    for route in plain:
        url = reverse(route.name, kwargs={"slug": "acme"})
        for answer in (browser.get(url), browser.post(url)):
            assert answer.status_code in {403, 405}, route.name


def test_the_page_says_how_to_get_in(strict: Organization, rita: User) -> None:
    page = browser_of(rita).get("/o/acme/members").content.decode()
    assert "Acme requires two factors" in page
    assert reverse("mfa_index") in page
    assert "Ada Moss" not in page


def test_a_factor_opens_the_pages_at_once(strict: Organization, rita: User) -> None:
    browser = browser_of(rita)
    give_app(rita)
    assert browser.get("/o/acme/members").status_code == HTTPStatus.OK


def test_taking_the_factor_away_closes_them(strict: Organization, ada: User) -> None:
    browser = browser_of(ada)
    assert browser.get("/o/acme/members").status_code == HTTPStatus.OK
    ada.authenticator_set.all().delete()  # type: ignore[attr-defined]
    assert browser.get("/o/acme/members").status_code == HTTPStatus.FORBIDDEN
    assert browser.post(FORM).status_code == HTTPStatus.FORBIDDEN
    assert is_required(strict)


def test_other_organizations_of_a_member_stay_open(
    strict: Organization, acme_staging: Organization, ada: User, rita: User
) -> None:
    ada.authenticator_set.all().delete()  # type: ignore[attr-defined]
    browser: Client = browser_of(ada)
    assert browser.get("/o/acme-staging/members").status_code == HTTPStatus.OK


def test_api_keys_are_not_affected(strict: Organization, rita: User) -> None:
    key = make_key("Notebook", user=rita)
    assert key in ApiKey.objects.live(at=timezone.now())


def test_a_reader_sees_the_rule_and_cannot_change_it(
    strict: Organization, rita: User
) -> None:
    give_app(rita)
    browser = browser_of(rita)
    assert "not required" not in browser.get("/o/acme/settings").content.decode()
    assert browser.post(FORM).status_code == HTTPStatus.FORBIDDEN
    assert is_required(strict)
