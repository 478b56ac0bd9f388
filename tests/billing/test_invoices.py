"""Cycles close when all of them is known; invoices are the sum of their records."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from pytest_django import Settings

from billing.actions.credit_notes import AlreadyCredited, issue_credit_note
from billing.actions.cycles import close_due_cycles
from billing.actions.invoices import AlreadyPaid, record_payment
from billing.actions.posting import post_adjustment, post_credit_granted
from billing.actions.usage_posting import post_usage
from billing.invoice_models import BillingCycle, Invoice, InvoiceLine
from billing.models import BillingProfile, Budget, Price, PriceSource
from billing.verification.invoices import (
    invoices_are_sums_of_lines,
    invoices_equal_records,
    unbilled_is_what_no_invoice_has,
)
from orgs.models import AuditEvent, Organization, OutboxMail, User
from tests.billing.books import grant
from tests.billing.test_ledger_posting import balances, commit_checks
from tests.factories import NOW, usd
from tests.usage_factories import add_record
from usage.actions import roll_up

pytestmark = pytest.mark.django_db

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
IN_OCTOBER = datetime(2026, 10, 20, tzinfo=UTC)
AFTER_OCTOBER = datetime(2026, 11, 1, 0, 6, tzinfo=UTC)
AFTER_NOVEMBER = datetime(2026, 12, 1, 0, 6, tzinfo=UTC)


def spend(organization: Organization, nanos: int, **facts: Any) -> None:
    """Book usage of October, as the gateway does: record and budget."""
    at = facts.pop("at", IN_OCTOBER)
    record = add_record(organization, at=at, cost_nanos=nanos, **facts)
    budget, _ = Budget.objects.get_or_create(
        organization=organization, cycle_start=record.cycle_start
    )
    budget.spent_nanos += nanos
    budget.save()


def close(now: datetime = AFTER_OCTOBER) -> int:
    roll_up(now=now)
    post_usage(now=now)
    closed = close_due_cycles(now=now)
    commit_checks()
    for check in (
        invoices_are_sums_of_lines,
        invoices_equal_records,
        unbilled_is_what_no_invoice_has,
    ):
        found = check()
        assert found.holds, found
    return closed


def state_of(cycle: date) -> str:
    return BillingCycle.objects.get(cycle_start=cycle).state


def lines_of(invoice: Invoice) -> list[tuple[str, int]]:
    lines = invoice.lines.order_by("position")
    return [(line.kind, line.exact_nanos) for line in lines]


@pytest.fixture
def price() -> Price:
    return Price.objects.create(
        model="gpt-4o-mini",
        effective_from=NOW - timedelta(days=900),
        input_nanos=150,
        output_nanos=600,
        source=PriceSource.OPERATOR,
    )


def test_a_month_that_is_over_is_invoiced_line_by_line(
    acme: Organization, ada: User, price: Price
) -> None:
    tokens: dict[str, Any] = {"input_tokens": 10**8, "output_tokens": 10**7}
    spend(acme, 21 * 10**9, price_id=price.pk, **tokens)

    assert close() == 1

    invoice = Invoice.objects.get()
    found = [(x.description, x.quantity, x.unit_nanos) for x in invoice.lines.all()]
    assert found == [
        ("gpt-4o-mini, Input", 10**8, 150),
        ("gpt-4o-mini, Output", 10**7, 600),
    ]
    assert (invoice.number, invoice.total_nanos) == ("INV-000001", usd(21))
    assert (invoice.cycle_start, state_of(OCTOBER)) == (OCTOBER, "closed")
    assert balances(acme) == {"usage": -usd(21), "receivable": usd(21)}


def test_a_price_that_changed_in_the_month_makes_two_lines(
    acme: Organization, price: Price
) -> None:
    later = Price.objects.create(
        model="gpt-4o-mini",
        effective_from=IN_OCTOBER,
        input_nanos=100,
        source=PriceSource.OPERATOR,
    )
    spend(acme, 3000, price_id=price.pk, input_tokens=20, output_tokens=0)
    spend(acme, 2000, price_id=later.pk, input_tokens=20, output_tokens=0)

    close()

    units = InvoiceLine.objects.values_list("unit_nanos", "quantity", "exact_nanos")
    assert sorted(units) == [(100, 20, 2000), (150, 20, 3000)]


def test_an_own_price_is_the_unit_price_of_its_line(
    acme: Organization, globex: Organization, price: Price
) -> None:
    own = Price.objects.create(
        organization=acme,
        model="gpt-4o-mini",
        effective_from=NOW - timedelta(days=800),
        created_at=NOW - timedelta(days=800),
        input_nanos=90,
        source=PriceSource.OPERATOR,
    )
    spend(acme, 1800, price_id=own.pk, input_tokens=20, output_tokens=0)
    spend(globex, 3000, price_id=price.pk, input_tokens=20, output_tokens=0)

    assert close() == 2

    units = InvoiceLine.objects.values_list(
        "invoice__organization__name", "unit_nanos", "exact_nanos"
    )
    assert sorted(units) == [("Acme", 90, 1800), ("Globex", 150, 3000)]


def test_a_cycle_is_open_until_its_month_is_over(acme: Organization) -> None:
    spend(acme, 5)
    assert close(now=IN_OCTOBER) == 0
    assert state_of(OCTOBER) == "open"
    assert not Invoice.objects.exists()


def test_a_cycle_waits_for_its_last_hold(acme: Organization) -> None:
    spend(acme, usd(1))
    Budget.objects.update(held_nanos=7)
    assert close() == 0
    assert state_of(OCTOBER) == "closing"

    Budget.objects.update(held_nanos=0)
    assert close() == 1
    assert state_of(OCTOBER) == "closed"


def test_a_cycle_waits_until_all_of_it_is_posted(acme: Organization) -> None:
    spend(acme, usd(1))
    assert close_due_cycles(now=AFTER_OCTOBER) == 0
    assert not Invoice.objects.exists()
    assert close() == 1


def test_what_comes_late_is_on_the_next_invoice_and_named(acme: Organization) -> None:
    spend(acme, usd(1))
    close()
    spend(acme, usd(2))
    spend(acme, usd(4), at=NOW)

    close(now=AFTER_NOVEMBER)

    invoice = Invoice.objects.latest("pk")
    assert invoice.total_nanos == usd(6)
    late = invoice.lines.get(cycle_start=OCTOBER)
    assert late.exact_nanos == usd(2)


def test_closing_again_changes_nothing(acme: Organization) -> None:
    spend(acme, usd(1))
    assert [close(), close(), close()] == [1, 0, 0]
    assert Invoice.objects.count() == 1
    assert OutboxMail.objects.count() == 1


def test_months_without_usage_close_without_an_invoice(acme: Organization) -> None:
    spend(acme, usd(1), at=datetime(2026, 8, 5, tzinfo=UTC))
    assert close() == 3
    assert Invoice.objects.get().cycle_start == date(2026, 8, 1)


def test_simulated_usage_is_never_invoiced(acme_staging: Organization) -> None:
    spend(acme_staging, usd(9), simulated=True)
    assert close() == 1
    assert not Invoice.objects.exists()


def test_what_credit_paid_is_taken_off(acme: Organization) -> None:
    given = grant(acme, usd(3), days=9)
    post_credit_granted(given, now=NOW)
    given.consumed_nanos = usd(3)
    given.save()
    spend(acme, usd(5), credit_nanos=usd(3))

    close()

    invoice = Invoice.objects.get()
    assert lines_of(invoice) == [("other", usd(5)), ("credit", -usd(3))]
    assert invoice.total_nanos == usd(2)


def test_estimates_and_corrections_have_lines_of_their_own(acme: Organization) -> None:
    spend(acme, usd(5), kind="estimated")
    spend(acme, -usd(2), kind="correction", corrects="0" * 32)

    close()

    assert lines_of(Invoice.objects.get()) == [
        ("correction", -usd(2)),
        ("estimated", usd(5)),
    ]


def test_an_adjustment_is_billed_once(acme: Organization) -> None:
    spend(acme, usd(5))
    post_adjustment(acme, -usd(2), source="adjustment:1", memo="Outage", now=NOW)
    close()
    spend(acme, usd(1), at=NOW)
    close(now=AFTER_NOVEMBER)

    first, second = Invoice.objects.order_by("pk")
    assert (first.total_nanos, second.total_nanos) == (usd(3), usd(1))
    assert first.lines.get(kind="adjustment").description == "Adjustment: Outage"


def test_what_rounding_leaves_is_carried_visibly(acme: Organization) -> None:
    spend(acme, usd("1.004"))
    close()
    spend(acme, usd("1.004"), at=NOW)
    close(now=AFTER_NOVEMBER)

    first, second = Invoice.objects.order_by("pk")
    assert first.carried_nanos == usd("0.004")
    assert second.lines.get(kind="carried").exact_nanos == usd("0.004")
    assert balances(acme)["unbilled"] == second.carried_nanos == usd("0.008")


def test_tax_is_a_line_and_an_account(acme: Organization, settings: Settings) -> None:
    settings.INVOICE_TAX_PERCENT, settings.INVOICE_TAX_NAME = Decimal("19"), "VAT"
    spend(acme, usd(10))
    close()

    invoice = Invoice.objects.get()
    assert (invoice.net_nanos, invoice.tax_nanos) == (usd(10), usd("1.90"))
    assert balances(acme)["tax"] == -usd("1.90")


def test_an_invoice_keeps_who_sold_and_who_bought(
    acme: Organization, settings: Settings
) -> None:
    settings.SELLER_NAME, settings.SELLER_ADDRESS = "Seller", ["Street 1", " Town"]
    profile = BillingProfile.objects.create(
        organization=acme, legal_name="Acme Inc.", city="Springfield", reference="PO 7"
    )
    spend(acme, usd(10))
    close()
    profile.legal_name = "Another"
    profile.save()

    invoice = Invoice.objects.get()
    assert (invoice.seller_name, invoice.seller_address) == ("Seller", "Street 1\nTown")
    assert (invoice.buyer_name, invoice.buyer_address) == ("Acme Inc.", "Springfield")
    assert invoice.buyer_reference == "PO 7"


def test_an_invoice_never_changes(acme: Organization) -> None:
    spend(acme, usd(10))
    close()
    invoice = Invoice.objects.get()

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        invoice.save()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        InvoiceLine.objects.update(amount_nanos=0)
    with pytest.raises(IntegrityError, match="not the sum"), transaction.atomic():
        add_line(invoice)
    assert invoice.lines.count() == 1


def add_line(invoice: Invoice) -> None:
    InvoiceLine.objects.create(
        organization=invoice.organization,
        invoice=invoice,
        position=9,
        kind="other",
        description="More",
        exact_nanos=0,
        amount_nanos=0,
    )
    commit_checks()


def test_the_mail_goes_to_the_billing_addresses(acme: Organization, ada: User) -> None:
    BillingProfile.objects.create(
        organization=acme, legal_name="Acme", billing_emails=["bills@acme.example"]
    )
    spend(acme, usd(10))
    close()

    mail = OutboxMail.objects.get()
    assert mail.recipient == "bills@acme.example"
    assert "Invoice INV-000001 of October 2026: $10.00" in mail.subject
    assert "/o/acme/billing/invoices/INV-000001" in mail.body_text


def test_an_invoice_that_credit_paid_is_issued_without_a_mail(
    acme: Organization,
) -> None:
    given = grant(acme, usd(30), days=9)
    post_credit_granted(given, now=NOW)
    given.consumed_nanos = usd(3)
    given.save()
    spend(acme, usd(3), credit_nanos=usd(3))
    close()

    assert Invoice.objects.get().total_nanos == 0
    assert not OutboxMail.objects.exists()


def test_a_payment_settles_an_invoice_once(acme: Organization, op: User) -> None:
    spend(acme, usd(10))
    close()
    invoice = Invoice.objects.get()
    pay: dict[str, Any] = {
        "paid_on": NOVEMBER,
        "reference": "W-1",
        "acting_user": op,
        "now": NOW,
    }

    record_payment(invoice=invoice, **pay)

    with pytest.raises(AlreadyPaid):
        record_payment(invoice=invoice, **pay)
    assert balances(acme) == {"usage": -usd(10), "payments": usd(10)}
    assert AuditEvent.objects.filter(action="invoice.paid", actor=op).count() == 1


def test_a_credit_note_takes_an_invoice_back_once(acme: Organization, op: User) -> None:
    spend(acme, usd(10))
    close()
    invoice = Invoice.objects.get()
    why: dict[str, Any] = {"reason": "Wrong buyer", "acting_user": op, "now": NOW}

    credit_note = issue_credit_note(invoice=invoice, **why)

    commit_checks()
    for again in (invoice, credit_note):
        with pytest.raises(AlreadyCredited):
            issue_credit_note(invoice=again, **why)
    with pytest.raises(AlreadyPaid):
        record_payment(
            invoice=invoice, paid_on=NOVEMBER, reference="", acting_user=op, now=NOW
        )
    assert (credit_note.number, credit_note.total_nanos) == ("CN-000001", usd(10))
    assert balances(acme) == {"usage": -usd(10), "adjustments": usd(10)}


def test_what_fails_for_one_keeps_nobody_else_from_an_invoice(
    acme: Organization, globex: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    for organization in (acme, globex):
        spend(organization, usd(1))
    monkeypatch.setattr(
        "billing.actions.invoices.buyer",
        lambda org: {"buyer_name": "A" * (201 if org.pk == acme.pk else 1)},
    )

    with pytest.raises(ExceptionGroup, match="not closed"):
        close()

    assert [each.organization for each in Invoice.objects.all()] == [globex]
    assert Invoice.objects.get().number == "INV-000001"
