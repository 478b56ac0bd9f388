"""The operator sets the approved limit, adjusts an invoice, suspends: each once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from billing.invoice_models import Invoice
from billing.ledger_models import LedgerTransaction
from billing.models import CreditGrant, SpendLimits
from core.periods import cycle_interval, cycle_of
from orgs.models import AuditEvent, Organization, OutboxMail, User
from tests.architecture.routes import everything_written
from tests.billing.test_invoices import close, spend
from tests.factories import usd
from tests.visits import browser_of

pytestmark = pytest.mark.django_db
ADJUSTMENT = {
    "new_id": f"adj_{'a' * 24}",
    "direction": "credit",
    "amount": "12.50",
    "memo": "Outage of 3 November",
    "confirmed": "on",
}
PART = {
    "new_id": f"inv_{'b' * 24}",
    "line": "",
    "amount": "4",
    "reason": "Outage",
    "confirmed": "on",
}


@pytest.fixture
def operator(op: User) -> Client:
    return browser_of(op)


def url(organization: Organization, what: str = "") -> str:
    return f"/operator/organizations/{organization.public_id}{what}"


def after_this_cycle() -> datetime:
    return cycle_interval(cycle_of(timezone.now())).end + timedelta(minutes=6)


def test_the_approved_limit_is_set_for_a_reason_that_the_owners_get(
    operator: Client, acme: Organization, ada: User
) -> None:
    for _ in range(2):
        operator.post(
            url(acme, "/approved-limit"), {"amount": "500", "reason": "A good payer"}
        )

    assert SpendLimits.objects.get().approved_limit_nanos == usd(500)
    event = AuditEvent.objects.get(action="approved_limit.updated")
    assert event.details["reason"] == "A good payer"
    mail = OutboxMail.objects.get(kind="approved_limit")
    assert (mail.recipient, "A good payer" in mail.body_text) == (ada.email, True)
    page = browser_of(ada).get(f"/o/acme/audit/{event.public_id}").content.decode()
    assert "A good payer" in page


def test_a_limit_below_what_is_spent_is_confirmed_first(
    operator: Client, acme: Organization
) -> None:
    spend(acme, usd(9), at=timezone.now())
    wanted = {"amount": "5", "reason": "Unpaid"}

    asked = operator.post(url(acme, "/approved-limit"), wanted)

    assert asked.status_code == 422
    assert "This refuses requests at once" in asked.content.decode()
    assert 'value="Unpaid"' in asked.content.decode()
    assert not SpendLimits.objects.exists()
    operator.post(url(acme, "/approved-limit"), {**wanted, "confirmed": "on"})
    assert SpendLimits.objects.get().approved_limit_nanos == usd(5)
    assert "organization_usage_limit_exceeded" in OutboxMail.objects.get().body_text


def test_an_adjustment_sent_twice_is_on_the_next_invoice_once(
    operator: Client, acme: Organization
) -> None:
    for _ in range(2):
        answer = operator.post(url(acme, "/adjustment"), ADJUSTMENT, follow=True)
    assert "-$12.50 are on the next invoice" in answer.content.decode()
    assert AuditEvent.objects.filter(action="adjustment.booked").count() == 1

    spend(acme, usd(20), at=timezone.now())
    close(now=after_this_cycle())

    line = Invoice.objects.get().lines.get(kind="adjustment")
    assert line.description == "Adjustment: Outage of 3 November"
    assert Invoice.objects.get().total_nanos == usd("7.50")
    assert "INV-000001" in operator.get(url(acme)).content.decode()


def test_another_adjustment_from_the_same_form_is_asked_about(
    operator: Client, acme: Organization
) -> None:
    operator.post(url(acme, "/adjustment"), ADJUSTMENT)
    other = ADJUSTMENT | {"amount": "99", "direction": "charge"}

    answer = operator.post(url(acme, "/adjustment"), other)

    assert answer.status_code == 422
    form = answer.context["adjustment_form"]
    assert "This form was sent before" in answer.content.decode()
    assert LedgerTransaction.objects.count() == 1
    operator.post(url(acme, "/adjustment"), other | {"new_id": form["new_id"].value()})
    assert LedgerTransaction.objects.count() == 2


@pytest.mark.parametrize("wrong", [{"amount": "-3"}, {"memo": ""}, {"confirmed": ""}])
def test_a_wrong_adjustment_is_refused_and_keeps_what_was_typed(
    operator: Client, acme: Organization, wrong: dict[str, str]
) -> None:
    operator.get(url(acme))
    before = everything_written()

    answer = operator.post(url(acme, "/adjustment"), ADJUSTMENT | wrong)

    assert answer.status_code == 422
    assert 'value="Outage of 3 November"' in answer.content.decode() or "memo" in wrong
    assert ADJUSTMENT["new_id"] in answer.content.decode()
    assert everything_written() == before


def test_staging_is_never_adjusted(
    operator: Client, acme_staging: Organization
) -> None:
    answer = operator.post(url(acme_staging, "/adjustment"), ADJUSTMENT)
    assert answer.status_code == 422
    assert not LedgerTransaction.objects.exists()


def test_credit_sent_twice_is_granted_once(
    operator: Client, acme: Organization
) -> None:
    wish = {
        "new_id": f"credit_{'c' * 24}",
        **{"name": "Launch", "amount": "40", "kind": "goodwill", "priority": "50"},
    }
    for _ in range(2):
        operator.post(url(acme, "/credit"), wish)

    assert CreditGrant.objects.get().public_id == wish["new_id"]
    assert LedgerTransaction.objects.count() == 1
    assert operator.post(url(acme, "/credit"), wish | {"amount": "41"}).status_code == (
        422
    )


def test_an_organization_is_suspended_with_a_message_and_taken_up_again(
    operator: Client, acme: Organization
) -> None:
    assert operator.post(url(acme, "/suspend"), {"message": ""}).status_code == 422
    for _ in range(2):
        operator.post(url(acme, "/suspend"), {"message": "A bill is open."})
    acme.refresh_from_db()
    assert acme.suspended_message == "A bill is open."
    assert "End the suspension" in operator.get(url(acme)).content.decode()

    for _ in range(2):
        operator.post(url(acme, "/reactivate"))

    acme.refresh_from_db()
    assert not acme.is_suspended
    assert OutboxMail.objects.count() == 2


def test_an_adjustment_without_usage_has_its_cycle_and_invoice(
    operator: Client, acme: Organization, ada: User
) -> None:
    operator.post(url(acme, "/adjustment"), ADJUSTMENT | {"direction": "charge"})

    assert close(now=after_this_cycle()) == 1

    invoice = Invoice.objects.get()
    assert (invoice.cycle_start, invoice.total_nanos) == (
        cycle_of(timezone.now()),
        usd("12.50"),
    )
    assert "INV-000001" in browser_of(ada).get("/o/acme/billing").content.decode()


def test_a_part_of_an_invoice_is_taken_back_once_however_often_it_is_sent(
    operator: Client, acme: Organization
) -> None:
    spend(acme, usd(10))
    close()
    for _ in range(2):
        answer = operator.post(
            "/operator/invoices/INV-000001/take-back-part", PART, follow=True
        )
    page = answer.content.decode()
    assert "takes back $4.00 of INV-000001" in page
    assert "$6.00 of $10.00 are left" in page
    assert Invoice.objects.filter(kind="credit_note").count() == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"amount": "10.01"}, "$10.00 are left to take back"),
        ({"amount": ""}, "Enter an amount, or choose a line"),
        ({"line": "77"}, "Select a valid choice"),
        ({"confirmed": ""}, "Tick the box to confirm"),
    ],
)
def test_a_part_that_cannot_be_taken_back_says_why_and_writes_nothing(
    operator: Client, acme: Organization, wrong: dict[str, str], said: str
) -> None:
    spend(acme, usd(10))
    close()
    operator.get(url(acme))
    before = everything_written()

    answer = operator.post("/operator/invoices/INV-000001/take-back-part", PART | wrong)

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert 'value="Outage"' in answer.content.decode()
    assert everything_written() == before


def test_a_line_is_chosen_by_its_place(operator: Client, acme: Organization) -> None:
    spend(acme, usd(10))
    close()
    line = Invoice.objects.get().lines.get()

    operator.post(
        "/operator/invoices/INV-000001/take-back-part",
        PART | {"line": str(line.position), "amount": ""},
    )

    assert Invoice.objects.get(kind="credit_note").lines.get().takes_back == line
