"""However many take an invoice back at once, it is never by more than it is."""

from __future__ import annotations

import threading

import pytest

from billing.actions import credit_notes
from billing.actions.credit_notes import Part, issue_credit_note
from billing.invoice_models import Invoice
from billing.verification.invoices import credit_notes_within_invoices
from orgs.models import Organization
from tests.billing.test_invoices import close, spend
from tests.concurrency.threads import all_at_once
from tests.factories import NOW, usd

pytestmark = pytest.mark.usefixtures("committed_db")
THREADS = 4


def an_invoice(organization: Organization) -> Invoice:
    spend(organization, usd(10))
    close()
    return Invoice.objects.get()


def taking_back(invoice: Invoice, **options: str) -> bool:
    try:
        issue_credit_note(
            invoice=invoice,
            part=Part(usd(6)),
            reason="Outage",
            acting_user=None,
            now=NOW,
            **options,
        )
    except credit_notes.MoreThanLeft:
        return False
    return True


def test_of_many_at_once_only_as_many_as_fit_are_issued(acme: Organization) -> None:
    invoice = an_invoice(acme)

    issued = all_at_once([lambda: taking_back(invoice) for _ in range(THREADS)])

    assert issued.count(True) == 1
    assert credit_notes_within_invoices().holds


def test_one_form_sent_many_times_at_once_issues_one(acme: Organization) -> None:
    invoice, same = an_invoice(acme), f"inv_{'a' * 24}"

    sent = all_at_once(
        [lambda: taking_back(invoice, public_id=same) for _ in range(THREADS)]
    )

    assert sent == [True] * THREADS
    assert Invoice.objects.get(kind="credit_note").public_id == same


def test_control_without_the_lock_two_take_back_more_than_there_is(
    acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice, gate = an_invoice(acme), threading.Barrier(2)
    real = credit_notes.bill_of_part

    def together(*args: object) -> object:
        bill = real(*args)  # type: ignore[arg-type]
        gate.wait(20)
        return bill

    monkeypatch.setattr(credit_notes, "lock_accounts", lambda _: None)
    monkeypatch.setattr(credit_notes, "bill_of_part", together)

    issued = all_at_once([lambda: taking_back(invoice) for _ in range(2)])

    assert issued == [True, True]
    assert not credit_notes_within_invoices().holds
