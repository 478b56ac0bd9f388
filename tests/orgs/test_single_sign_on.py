"""Single sign-on opens the account whose address the provider verified."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from config import single_sign_on
from orgs.actions import invite_member
from orgs.models import Organization, Role, User
from tests.factors import give_app
from tests.oidc_provider import OidcProvider, oidc_provider
from tests.visits import is_logged_in

pytestmark = pytest.mark.django_db

LOGIN = "/account/oidc/sso/login/"
APP = {"name": "Acme sign-on", "client_id": "tokenhouse", "secret": "shared"}


@pytest.fixture
def provider(settings: Settings) -> Iterator[OidcProvider]:
    cache.clear()
    with oidc_provider() as running:
        settings.SOCIALACCOUNT_PROVIDERS = single_sign_on.providers(
            server_url=running.url, **APP
        )
        yield running


def sign_on(provider: OidcProvider, **claims: object) -> Client:
    """Come back from the provider, which says `claims`."""
    provider.claims = {"sub": "42", "email_verified": True, **claims}
    browser = Client()
    there = urlsplit(browser.post(LOGIN)["Location"])
    query = parse_qs(there.query)
    assert there.netloc in provider.url
    assert query["code_challenge_method"] == ["S256"]
    state = query["state"][0]
    browser.get(f"{LOGIN}callback/", {"code": "x", "state": state})
    return browser


def test_a_verified_address_opens_its_account(
    provider: OidcProvider, ada: User, acme: Organization
) -> None:
    browser = sign_on(provider, email="Ada@Acme.example", name="A. Moss")
    assert is_logged_in(browser)
    assert browser.get("/")["Location"] == "/o/acme/"
    ada.refresh_from_db()
    assert ada.name == "Ada Moss"
    assert User.objects.count() == 1


@pytest.mark.parametrize("claims", [{"email_verified": False}, {"email": ""}])
def test_an_address_nobody_verified_opens_nothing(
    provider: OidcProvider, ada: User, claims: dict[str, object]
) -> None:
    browser = sign_on(provider, **{"email": ada.email, **claims})
    assert not is_logged_in(browser)
    assert User.objects.count() == 1


def test_it_does_not_skip_the_second_factor(provider: OidcProvider, ada: User) -> None:
    app = give_app(ada)
    browser = sign_on(provider, email=ada.email)
    assert not is_logged_in(browser)
    browser.post("/account/two-factor/authenticate/", {"code": app.code()})
    assert is_logged_in(browser)


def test_a_stranger_gets_no_account_where_sign_up_is_by_invitation(
    provider: OidcProvider,
) -> None:
    assert not is_logged_in(sign_on(provider, email="eve@x.example", name="Eve"))
    assert not User.objects.exists()


def test_one_who_is_invited_gets_one(
    provider: OidcProvider, acme: Organization, ada: User
) -> None:
    invite_member(
        organization=acme,
        email="nina@acme.example",
        role=Role.READER,
        acting_user=ada,
        now=timezone.now(),
    )
    browser = sign_on(provider, email="Nina@Acme.example", name="Nina Roe")
    assert is_logged_in(browser)
    nina = User.objects.get(email="nina@acme.example")
    assert nina.name == "Nina Roe"
    # The invitation waits for her to accept it.
    assert not nina.memberships.exists()


def test_an_invited_address_that_nobody_verified_gets_none(
    provider: OidcProvider, acme: Organization, ada: User
) -> None:
    invite_member(
        organization=acme,
        email="nina@acme.example",
        role=Role.READER,
        acting_user=ada,
        now=timezone.now(),
    )
    sign_on(provider, email="nina@acme.example", email_verified=False)
    assert User.objects.count() == 1


def test_a_switched_off_account_stays_shut(provider: OidcProvider, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert not is_logged_in(sign_on(provider, email=ada.email))


def test_an_answer_that_nobody_asked_for_is_refused(
    provider: OidcProvider, ada: User
) -> None:
    provider.claims = {"sub": "42", "email": ada.email, "email_verified": True}
    browser = Client()
    browser.get(f"{LOGIN}callback/", {"code": "x", "state": "made-up"})
    assert not is_logged_in(browser)


def test_the_button_is_there_where_it_is_configured(provider: OidcProvider) -> None:
    assert "Acme sign-on" in Client().get("/account/login/").content.decode()


def test_without_configuration_there_is_none() -> None:
    assert Client().post(LOGIN).status_code == 404
    assert LOGIN not in Client().get("/account/login/").content.decode()


@pytest.mark.parametrize(
    "wrong", [{"client_id": ""}, {"secret": ""}, {"server_url": "http://sso.example"}]
)
def test_half_a_configuration_refuses_to_start(wrong: dict[str, str]) -> None:
    with pytest.raises(ImproperlyConfigured, match="OIDC"):
        single_sign_on.providers(
            **{"server_url": "https://sso.example", **APP, **wrong}
        )
