"""The operator notes payments and takes invoices back, each once."""

from __future__ import annotations

import pytest
from django.test import Client

from billing.invoice_models import Invoice, InvoicePayment
from orgs.models import AuditEvent, Organization, User
from tests.billing.test_invoices import close, spend
from tests.billing.test_ledger_posting import commit_checks
from tests.factories import usd

pytestmark = pytest.mark.django_db
URL = "/operator/invoices"
PAID = {"paid_on": "2026-11-02", "reference": "W-17"}


@pytest.fixture
def operator(client: Client, op: User, acme: Organization) -> Client:
    """The operator's browser, and an invoice of Acme."""
    spend(acme, usd(12))
    close()
    client.force_login(op)
    return client


def test_what_is_unpaid_is_listed_until_it_is_paid(operator: Client) -> None:
    assert "INV-000001" in operator.get(URL).content.decode()

    operator.post(f"{URL}/INV-000001/paid", PAID)

    assert "Every invoice is paid" in operator.get(URL).content.decode()
    assert "INV-000001" in operator.get(f"{URL}?show=all").content.decode()


def test_a_payment_sent_twice_is_noted_once(operator: Client) -> None:
    for _ in range(2):
        response = operator.post(f"{URL}/INV-000001/paid", PAID, follow=True)

    assert "settled already" in response.content.decode()
    assert InvoicePayment.objects.get().reference == "W-17"
    assert AuditEvent.objects.filter(action="invoice.paid").count() == 1


def test_a_day_that_has_not_come_is_refused(operator: Client) -> None:
    tomorrow = PAID | {"paid_on": "2999-01-01"}
    response = operator.post(f"{URL}/INV-000001/paid", tomorrow)

    assert response.status_code == 422
    assert not InvoicePayment.objects.exists()


def test_an_invoice_is_taken_back_for_a_reason_and_once(operator: Client) -> None:
    assert operator.post(f"{URL}/INV-000001/take-back").status_code == 422
    for _ in range(2):
        operator.post(f"{URL}/INV-000001/take-back", {"reason": "Wrong buyer"})
    commit_checks()

    assert Invoice.objects.filter(kind="credit_note").count() == 1
    text = operator.get(f"{URL}/INV-000001").content.decode()
    assert "Taken back" in text
    assert "CN-000001" in text


def test_the_organization_sees_what_became_of_it(
    operator: Client, client: Client, ada: User
) -> None:
    operator.post(f"{URL}/INV-000001/paid", PAID)
    client.force_login(ada)
    text = client.get("/o/acme/billing/invoices/INV-000001").content.decode()
    assert "Paid on" in text
    assert "W-17" in text
