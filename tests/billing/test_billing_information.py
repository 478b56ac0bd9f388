"""Billing information: entered by owners, checked, audited, and what it opens."""

from __future__ import annotations

from typing import Any

import pytest

from billing.countries import country_choices, country_name
from billing.models import BillingProfile, SpendLimits
from billing.tax_ids import WrongTaxId, checked_tax_id
from orgs.models import AuditEvent, Organization, User
from tests.factories import usd
from tests.visits import browser_of

PAGE = "/o/acme/billing/information"
FORM = {
    "legal_name": "Acme GmbH",
    "address_line1": "Hauptstraße 1",
    "postal_code": "10117",
    "city": "Berlin",
    "country": "DE",
    "tax_id": "DE 136 695 976",
    "billing_emails": "invoices@acme.example, Invoices@acme.example\n"
    "books@acme.example",
    "reference": "PO 118",
}


def read(user: User, path: str) -> str:
    return browser_of(user).get(path).content.decode()


@pytest.mark.parametrize(
    ("country", "entered", "kept"),
    [
        ("DE", "DE 136 695 976", "136695976"),
        ("US", "04-2103594", "042103594"),
        ("GB", "GB 980 7806 84", "980780684"),
        ("AQ", "Station 12/4", "Station 12/4"),
        ("DE", "  ", ""),
    ],
)
def test_a_tax_id_is_kept_as_its_country_writes_it(
    country: str, entered: str, kept: str
) -> None:
    assert checked_tax_id(country, entered) == kept


@pytest.mark.parametrize(
    ("country", "entered"),
    [("DE", "DE136695977"), ("US", "04-21035"), ("AQ", "<b>"), ("AQ", "x" * 60)],
)
def test_what_is_no_tax_id_is_refused(country: str, entered: str) -> None:
    with pytest.raises(WrongTaxId):
        checked_tax_id(country, entered)


def test_every_country_has_a_code_and_a_name() -> None:
    codes = [code for code, _ in country_choices()]

    assert len(codes) == len(set(codes)) > 240
    assert country_name("DE") == "Germany"
    assert (country_name("XX"), country_name("")) == ("XX", "")


@pytest.mark.django_db
def test_an_owner_enters_it_and_the_approved_limit_opens(
    acme: Organization, ada: User
) -> None:
    answer = browser_of(ada).post(f"{PAGE}/save", FORM, follow=True)

    page = answer.content.decode()
    assert "the approved limit is open" in page
    for text in ("Acme GmbH", "10117 Berlin", "Germany", "136695976", "PO 118"):
        assert text in page
    profile = BillingProfile.objects.get()
    assert profile.billing_emails == ["invoices@acme.example", "books@acme.example"]
    assert SpendLimits.objects.get().approved_limit_nanos == usd(120)


@pytest.mark.django_db
def test_a_change_is_audited_field_by_field_and_says_what_it_applies_to(
    acme: Organization, ada: User
) -> None:
    browser = browser_of(ada)
    browser.post(f"{PAGE}/save", FORM)

    page = browser.post(f"{PAGE}/save", FORM | {"city": "Bonn"}, follow=True)

    assert "applies to future invoices" in page.content.decode()
    events = AuditEvent.objects.filter(action="billing_profile.updated")
    assert events.latest("pk").details == {
        "before": {"city": "Berlin"},
        "after": {"city": "Bonn"},
    }
    browser.post(f"{PAGE}/save", FORM | {"city": "Bonn"})
    assert events.count() == 2


@pytest.mark.django_db
def test_the_form_shows_what_is_entered(acme: Organization, ada: User) -> None:
    browser = browser_of(ada)
    browser.post(f"{PAGE}/save", FORM)

    page = browser.get(PAGE).content.decode()

    assert 'value="Acme GmbH"' in page
    assert '<option value="DE" selected>Germany</option>' in page
    assert "invoices@acme.example\nbooks@acme.example" in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"legal_name": ""}, "This field is required"),
        ({"country": "XX"}, "Select a valid choice"),
        ({"tax_id": "DE136695977"}, "not a tax id of Germany"),
        ({"billing_emails": "nobody"}, "is not an e-mail address"),
        (
            {"billing_emails": " ".join(f"a{n}@acme.example" for n in range(11))},
            "At most 10 addresses",
        ),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(
    acme: Organization, ada: User, change: dict[str, Any], said: str
) -> None:
    answer = browser_of(ada).post(f"{PAGE}/save", FORM | change)

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not BillingProfile.objects.exists()
    assert not SpendLimits.objects.filter(approved_limit_nanos__gt=0).exists()


@pytest.mark.django_db
def test_a_reader_reads_it_and_finds_no_way_to_change_it(
    acme: Organization, ada: User, rita: User
) -> None:
    browser_of(ada).post(f"{PAGE}/save", FORM)

    page = read(rita, "/o/acme/billing")

    assert "Acme GmbH" in page
    assert PAGE not in page


@pytest.mark.django_db
def test_without_it_the_billing_page_leads_to_the_form(
    acme: Organization, ada: User, rita: User
) -> None:
    assert f'href="{PAGE}"' in read(ada, "/o/acme/billing")
    assert "An owner can enter it" in read(rita, "/o/acme/billing")
