"""However many close a month at once: one invoice each, and no number is missing."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from django.db import connection, transaction

from billing.actions import cycles, invoices
from billing.actions.credit_notes import AlreadyCredited, issue_credit_note
from billing.actions.cycles import close_due_cycles
from billing.actions.invoices import AlreadyPaid, next_position, record_payment
from billing.invoice_drafts import draft_of
from billing.invoice_models import BillingCycle, Invoice, InvoicePayment, NumberSeries
from orgs.models import Organization
from tests.billing.test_invoices import AFTER_OCTOBER, NOVEMBER, close, spend
from tests.concurrency.threads import all_at_once
from tests.factories import NOW, make_organization, usd

pytestmark = pytest.mark.usefixtures("committed_db")
THREADS = 4


class Undone(Exception):
    """Something after the number was taken went wrong."""


def take_number(turn: int) -> None:
    """Take a number in a transaction that is undone every third time."""
    with transaction.atomic():
        position = next_position("invoice")
        taken.append(position)
        if turn % 3 == 0:
            taken.remove(position)
            raise Undone


def take_from_sequence(turn: int) -> None:
    """The control: a sequence of Postgres does not wait, and is never undone."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT nextval('numbers')")
        (position,) = cursor.fetchone()
        taken.append(position)
        if turn % 3 == 0:
            taken.remove(position)
            raise Undone


taken: list[int] = []


def numbers_taken(take: object) -> list[int]:
    assert callable(take)
    taken.clear()

    def work() -> None:
        for turn in range(6):
            try:
                take(turn)
            except Undone:
                continue

    all_at_once([work for _ in range(THREADS)])
    return sorted(taken)


def test_numbers_have_no_gaps_when_some_are_undone() -> None:
    assert numbers_taken(take_number) == list(range(1, 4 * THREADS + 1))
    assert NumberSeries.objects.get().last_number == 4 * THREADS


def test_control_a_sequence_leaves_gaps() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE numbers")
    try:
        assert numbers_taken(take_from_sequence) != list(range(1, 4 * THREADS + 1))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP SEQUENCE numbers")


def ready_to_close(organization: Organization, names: int = 0) -> None:
    """Book October for some organizations, post it, and close nothing yet."""
    others = [make_organization(f"Other {number}") for number in range(names)]
    for each in (organization, *others):
        spend(each, usd(1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cycles, "close_cycle", lambda **_: False)
        close()


def test_many_at_once_issue_one_invoice_each(acme: Organization) -> None:
    ready_to_close(acme, names=3)

    run = partial(close_due_cycles, now=AFTER_OCTOBER)
    closed = all_at_once([run for _ in range(THREADS)])

    assert sum(closed) == Invoice.objects.count() == 4
    assert sorted(Invoice.objects.values_list("position", flat=True)) == [1, 2, 3, 4]
    assert set(BillingCycle.objects.values_list("state", flat=True)) == {
        "closed",
        "open",
    }


def test_control_without_the_cycles_lock_two_want_to_issue_it(
    acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the unique constraint stands between the two then."""
    ready_to_close(acme)
    gate, wanted = threading.Barrier(2), []
    real = draft_of

    def draft_together(*args: object, **options: object) -> object:
        gate.wait(20)
        wanted.append(1)
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(invoices, "draft_of", draft_together)
    monkeypatch.setattr(invoices, "lock_accounts", lambda _: None)

    def issue_unlocked() -> bool:
        try:
            invoices.issue_invoice(
                organization=acme,
                cycle_start=NOVEMBER.replace(month=10),
                up_to=9,
                now=AFTER_OCTOBER,
            )
        except Exception as error:
            return "invoice_once_per_cycle" not in str(error)
        return True

    assert sorted(all_at_once([issue_unlocked, issue_unlocked])) == [False, True]
    assert len(wanted) == 2


def test_an_invoice_is_paid_or_taken_back_once(acme: Organization) -> None:
    spend(acme, usd(1))
    close()
    invoice = Invoice.objects.get()

    def pay() -> bool:
        try:
            record_payment(
                invoice=invoice,
                paid_on=NOVEMBER,
                reference="",
                acting_user=None,
                now=NOW,
            )
        except AlreadyPaid:
            return False
        return True

    def take_back() -> bool:
        try:
            issue_credit_note(invoice=invoice, reason="x", acting_user=None, now=NOW)
        except AlreadyCredited:
            return False
        return True

    results = all_at_once([pay, take_back, pay, take_back])

    assert sum(results[::2]) <= 1
    assert sum(results[1::2]) == 1
    assert InvoicePayment.objects.count() == sum(results[::2])
