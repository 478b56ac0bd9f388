"""Owners enter, replace and remove the card; its number never comes here."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from billing.models import PaymentAccount
from billing.tasks import charge_invoices
from config.page_headers import with_page_headers
from config.secret_values import STRIPE_NAMES, stripe_keys
from orgs.models import AuditEvent, Organization, User
from tests.architecture.routes import everything_written
from tests.billing.cards import account_of, stripe_there
from tests.stripe_provider import PUBLISHABLE_KEY, SECRET_KEY, StripeProvider
from tests.visits import browser_of

__all__ = ["stripe_there"]
pytestmark = pytest.mark.django_db
PAGE = "/o/acme/billing/card"


@pytest.fixture
def browser(acme: Organization, ada: User) -> Client:
    return browser_of(ada)


def policy_of(path: str) -> str:
    headers = dict(with_page_headers(path, []))
    return headers[b"content-security-policy"].decode()


def test_without_settings_invoices_are_paid_by_transfer(browser: Client) -> None:
    before = everything_written()

    assert "Cards are not taken here" in browser.get(PAGE).content.decode()
    assert b"Pay by card" not in browser.get("/o/acme/billing").content
    assert browser.post(f"{PAGE}/enter").headers["Location"] == "/o/acme/billing"
    assert everything_written() == before


def test_a_card_is_entered_at_the_provider_and_kept_by_its_last_digits(
    browser: Client, stripe_there: StripeProvider
) -> None:
    page = browser.post(f"{PAGE}/enter").content.decode()
    account = PaymentAccount.objects.get()
    assert PUBLISHABLE_KEY in page
    assert "_secret_" in page
    assert SECRET_KEY not in page

    entered = stripe_there.enter_card(account.customer_id)
    browser.post(f"{PAGE}/save", {"setup_intent": entered["id"]})

    assert "Visa ending in 4242" in browser.get("/o/acme/billing").content.decode()
    event = AuditEvent.objects.get(action="payment_card.set")
    assert event.details == {"after": {"card": "visa ending in 4242"}}


def test_a_removed_card_does_not_come_back_by_sending_the_form_again(
    acme: Organization, browser: Client, stripe_there: StripeProvider
) -> None:
    account = account_of(acme, card=False)
    entered = {"setup_intent": stripe_there.enter_card(account.customer_id)["id"]}
    browser.post(f"{PAGE}/save", entered)
    browser.post(f"{PAGE}/remove")

    answer = browser.post(f"{PAGE}/save", entered, follow=True)

    assert "not entered to the end" in answer.content.decode()
    assert not PaymentAccount.objects.get().has_card


def test_entering_twice_makes_one_customer(
    browser: Client, stripe_there: StripeProvider
) -> None:
    for _ in range(2):
        browser.post(f"{PAGE}/enter")

    assert PaymentAccount.objects.count() == 1
    assert stripe_there.requests.count("POST /v1/customers") == 1


@pytest.mark.parametrize("whose", ["cus_of_globex", ""])
def test_a_card_of_somebody_else_is_refused(
    acme: Organization, browser: Client, stripe_there: StripeProvider, whose: str
) -> None:
    account_of(acme)
    entered = stripe_there.enter_card(whose, last_four="9999")
    before = everything_written()

    for set_up_id in (entered["id"], "seti_none", ""):
        answer = browser.post(f"{PAGE}/save", {"setup_intent": set_up_id}, follow=True)
        assert "not entered to the end" in answer.content.decode()
    assert everything_written() == before


def test_a_provider_that_does_not_answer_changes_nothing(
    browser: Client, stripe_there: StripeProvider
) -> None:
    stripe_there.loses_answers = 1
    before = everything_written()

    answer = browser.post(f"{PAGE}/enter", follow=True)

    assert "does not answer" in answer.content.decode()
    assert everything_written() == before


def test_a_removed_card_is_forgotten_here_and_there(
    acme: Organization, browser: Client, stripe_there: StripeProvider
) -> None:
    account_of(acme)

    for _ in range(2):
        browser.post(f"{PAGE}/remove")

    assert not PaymentAccount.objects.get().has_card
    assert "POST /v1/payment_methods/pm_old/detach" in stripe_there.requests
    assert AuditEvent.objects.filter(action="payment_card.removed").count() == 1


def test_staging_has_no_card(
    acme_staging: Organization, browser: Client, stripe_there: StripeProvider
) -> None:
    browser.post("/o/acme-staging/billing/card/enter")

    assert stripe_there.requests == []


def test_only_the_page_of_the_card_may_load_the_providers_script(
    stripe_there: StripeProvider,
) -> None:
    assert "script-src 'self' https://js.stripe.com" in policy_of(PAGE)
    assert "script-src 'self' https://js.stripe.com" in policy_of(f"{PAGE}/enter")
    for path in ("/o/acme/billing", f"{PAGE}s", "/o/acme/billing/information", "/"):
        assert "stripe" not in policy_of(path), path


def test_without_settings_no_page_may() -> None:
    assert "stripe" not in policy_of(PAGE)


def test_of_the_keys_all_are_set_or_none() -> None:
    assert set(stripe_keys({}).values()) == {""}
    assert all(stripe_keys(dict.fromkeys(STRIPE_NAMES, "x")).values())
    for name in STRIPE_NAMES:
        with pytest.raises(ImproperlyConfigured, match="is not set"):
            stripe_keys({name: "x"})


def test_a_deleted_organizations_card_is_forgotten(
    acme: Organization, stripe_there: StripeProvider, settings: Settings
) -> None:
    account_of(acme)
    Organization.objects.update(deleted_at=timezone.now())

    charge_invoices()

    assert not PaymentAccount.objects.get().has_card
    assert "POST /v1/payment_methods/pm_old/detach" in stripe_there.requests
