"""An invoice is taken back in parts, never by more than it is, tax in proportion."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from billing.actions.credit_notes import (
    AlreadyCredited,
    MoreThanLeft,
    Part,
    issue_credit_note,
)
from billing.actions.invoices import AlreadyPaid, record_payment
from billing.invoice_models import Invoice, InvoicePayment
from billing.invoice_queries import open_invoices, standing_of
from billing.invoicing import Sums, tax_taken_back
from billing.verification.invoices import (
    credit_notes_within_invoices,
    receivable_is_what_is_due,
)
from core.form_ids import IdTaken
from core.money import NANOS_PER_CENT
from orgs.models import AuditEvent, Organization, OutboxMail
from tests.billing.test_invoices import NOVEMBER, close, spend
from tests.billing.test_ledger_posting import balances, commit_checks
from tests.factories import NOW, usd

pytestmark = pytest.mark.django_db
cents = st.integers(0, 2000)


@pytest.fixture
def invoice(acme: Organization, settings: Settings) -> Invoice:
    """An invoice over $10.01 and $1.90 of tax, of two lines."""
    settings.INVOICE_TAX_PERCENT, settings.INVOICE_TAX_NAME = Decimal("19"), "VAT"
    spend(acme, usd(7))
    spend(acme, usd("3.01"), model="gpt-5")
    close()
    return Invoice.objects.get()


def credit(invoice: Invoice, part: Part | None = None, **options: Any) -> Invoice:
    note = issue_credit_note(
        invoice=invoice,
        reason=options.pop("reason", "Outage"),
        part=part,
        acting_user=None,
        now=NOW,
        **options,
    )
    commit_checks()
    for check in (credit_notes_within_invoices, receivable_is_what_is_due):
        assert (found := check()).holds, found
    return note


def amounts(*notes: Invoice) -> list[tuple[int, int]]:
    return [(note.net_nanos, note.tax_nanos) for note in notes]


def test_parts_take_tax_with_them_and_the_rest_takes_what_rounding_left(
    acme: Organization, invoice: Invoice
) -> None:
    parts = [Part(usd("3.33")), Part(usd("3.33")), None]

    notes = [credit(invoice, part) for part in parts]

    assert amounts(*notes) == [
        (usd("3.33"), usd("0.63")),
        (usd("3.33"), usd("0.63")),
        (usd("3.35"), usd("0.64")),
    ]
    assert sum(note.total_nanos for note in notes) == invoice.total_nanos
    assert balances(acme).get("receivable", 0) == 0


def test_a_line_is_taken_back_once(invoice: Invoice) -> None:
    line = invoice.lines.get(model="gpt-5")

    note = credit(invoice, Part(None, line))

    with pytest.raises(MoreThanLeft) as refusal:
        credit(invoice, Part(NANOS_PER_CENT, line))
    assert refusal.value.left_nanos == 0
    assert amounts(note) == [(usd("3.01"), usd("0.57"))]
    assert "gpt-5, without a unit price, taken back: Outage" in (
        note.lines.get(kind="adjustment").description
    )


def test_more_than_is_left_is_refused_and_nothing_is_written(invoice: Invoice) -> None:
    credit(invoice, Part(usd(9)))
    before = balances(invoice.organization), OutboxMail.objects.count()

    with pytest.raises(MoreThanLeft) as refusal:
        credit(invoice, Part(usd("1.02")))

    assert refusal.value.left_nanos == usd("1.01")
    assert (balances(invoice.organization), OutboxMail.objects.count()) == before
    assert Invoice.objects.filter(kind="credit_note").count() == 1


def test_once_nothing_is_left_nothing_is_taken_back(invoice: Invoice) -> None:
    credit(invoice, Part(invoice.net_nanos))
    for part in (None, Part(NANOS_PER_CENT)):
        with pytest.raises(AlreadyCredited):
            credit(invoice, part)
    assert standing_of(invoice, today=NOVEMBER).state == "Taken back"


def test_what_is_left_is_due_and_paid(acme: Organization, invoice: Invoice) -> None:
    credit(invoice, Part(usd(5)))
    standing = standing_of(invoice, today=NOVEMBER)
    assert (standing.state, standing.left) == ("Due", Sums(usd("5.01"), usd("0.95")))
    assert list(open_invoices()) == [invoice]

    pay: dict[str, Any] = {"reference": "", "acting_user": None, "now": NOW}
    record_payment(invoice=invoice, paid_on=NOVEMBER, **pay)

    assert InvoicePayment.objects.get().amount_nanos == usd("5.96")
    assert balances(acme).get("receivable", 0) == 0
    with pytest.raises(AlreadyPaid):
        record_payment(invoice=invoice, paid_on=NOVEMBER, **pay)


def test_the_same_note_again_is_the_one_that_is_there(invoice: Invoice) -> None:
    public_id = f"inv_{'a' * 24}"
    first, second = (
        credit(invoice, Part(usd(2)), public_id=public_id) for _ in range(2)
    )

    assert first == second
    assert Invoice.objects.filter(kind="credit_note").count() == 1
    for amount, reason in ((2, "Else"), (3, "Outage")):
        with pytest.raises(IdTaken):
            credit(invoice, Part(usd(amount)), public_id=public_id, reason=reason)


def test_whoever_got_the_invoice_is_told(invoice: Invoice) -> None:
    credit(invoice, Part(usd(5)))
    mail = OutboxMail.objects.get(kind="credit_note")
    assert mail.recipient == "ada@acme.example"
    assert "Credit note CN-000001 on invoice INV-000001: $5.95" in mail.subject
    assert AuditEvent.objects.filter(action="invoice.credited").count() == 1


@given(st.lists(cents, min_size=1, max_size=8), st.integers(0, 10_000))
def test_whatever_the_parts_their_tax_adds_up(parts: list[int], permille: int) -> None:
    net = sum(parts) * NANOS_PER_CENT
    whole = Sums(net, sum(parts) * permille // 1000 * NANOS_PER_CENT)
    before = Sums()
    for part in parts:
        tax = tax_taken_back(part * NANOS_PER_CENT, invoice=whole, before=before)
        assert tax >= 0
        assert tax % NANOS_PER_CENT == 0
        before = Sums(before.net_nanos + part * NANOS_PER_CENT, before.tax_nanos + tax)
    assert before == whole
