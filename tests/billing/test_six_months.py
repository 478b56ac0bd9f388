"""
Six months of an organization, day by day: after each of them, all of it agrees.

From its first five dollars to its sixth invoice, on a test clock, by the real books,
the worker's own turns, and pages, files and mails as people get them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pypdf import PdfReader
from pytest_django import Settings

from billing.actions.adjustments import book_adjustment
from billing.actions.credit import CreditWish, grant_credit
from billing.actions.credit_notes import Part, issue_credit_note
from billing.actions.funding import enter_billing_profile
from billing.actions.invoices import record_payment
from billing.actions.prices import add_prices
from billing.actions.quota import approve_request, request_increase
from billing.invoice_models import Invoice
from billing.invoice_queries import draft_for
from billing.models import CreditGrant, SpendLimits
from billing.pricing import Tokens
from billing.quota import end_of
from core.money import NANOS_PER_DOLLAR, cents_usd
from core.periods import cycle_of, next_cycle
from orgs.models import OutboxMail, User
from tests.billing.life import COUNTING, TURNS, Clock, Life, price_of
from tests.billing.test_ledger_posting import balances
from tests.billing.told import (
    draft_page_nanos,
    overview_nanos,
    usage_csv_nanos,
    usage_page_nanos,
)
from tests.factories import usd
from usage.queries import usage_of
from usage.spans import Span

pytestmark = pytest.mark.django_db

BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
LAST_DAY = date(2026, 12, 1)
# About 26 cents, and 2.85 dollars, neither in whole cents.
SMALL = Tokens(input=1_500_003, output=50_000)
LARGE = Tokens(input=17_000_003, output=500_000)
MEDIUM = Tokens(input=7_000_001, output=300_000)
BY_MONTH = {6: SMALL, 7: LARGE, 8: LARGE, 9: MEDIUM, 10: MEDIUM, 11: SMALL}
PAYDAY = 20


@pytest.fixture
def life(
    ada: User, op: User, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> Life:
    settings.INVOICE_TAX_PERCENT, settings.INVOICE_TAX_NAME = Decimal("19"), "VAT"
    clock = Clock(BEGIN, monkeypatch)
    price_of(150, BEGIN).save()
    return Life.begin(clock, ada, op)


def enter_billing_information(life: Life) -> None:
    enter_billing_profile(
        organization=life.organization,
        legal_name="Acme Inc.",
        acting_user=life.ada,
        now=life.clock.now,
    )


def ask_for_more_and_get_it(life: Life) -> None:
    until = date(2026, 8, 14)
    asked = request_increase(
        organization=life.organization,
        amount_nanos=usd(300),
        until=until,
        reason="A launch",
        acting_user=life.ada,
        now=life.clock.now,
    )
    approve_request(
        request=asked,
        amount_nanos=usd(300),
        until=until,
        message="Good luck",
        acting_user=life.op,
        now=life.clock.now,
    )


def grant(
    life: Life, name: str, dollars: int, *, priority: int = 50, last: date | None = None
) -> None:
    wish = CreditWish(
        name=name,
        kind="paid" if last is None else "promotional",
        amount_nanos=usd(dollars),
        effective_at=life.clock.now,
        expires_at=end_of(last) if last else None,
        priority=priority,
    )
    grant_credit(
        organization=life.organization,
        wish=wish,
        acting_user=life.op,
        now=life.clock.now,
    )


def grant_three(life: Life) -> None:
    """To be consumed first, then, and last."""
    grant(life, "Paid", 15)
    grant(life, "Then", 20, priority=50, last=date(2026, 8, 31))
    grant(life, "First", 20, priority=10, last=date(2026, 8, 31))


def grant_for_a_weekend(life: Life) -> None:
    grant(life, "Weekend", 7, last=date(2026, 8, 23))


def announce_a_price(life: Life) -> None:
    price = price_of(200, datetime(2026, 9, 15, tzinfo=UTC))
    add_prices(prices=[price], acting_user=life.op, now=life.clock.now)


def adjust(life: Life) -> None:
    book_adjustment(
        organization=life.organization,
        adjustment_id="outage",
        amount_nanos=-usd("12.34"),
        memo="Outage",
        acting_user=life.op,
        now=life.clock.now,
    )


def take_a_part_back(life: Life) -> None:
    issue_credit_note(
        invoice=Invoice.objects.get(cycle_start=date(2026, 9, 1)),
        part=Part(usd("3.21")),
        reason="Charged twice",
        acting_user=life.op,
        now=life.clock.now,
    )


DEEDS: dict[date, Callable[[Life], None]] = {
    date(2026, 6, 22): enter_billing_information,
    date(2026, 7, 30): ask_for_more_and_get_it,
    date(2026, 8, 3): grant_three,
    date(2026, 8, 22): grant_for_a_weekend,
    date(2026, 9, 10): announce_a_price,
    date(2026, 10, 7): adjust,
    date(2026, 10, 12): take_a_part_back,
}


def used(name: str) -> int:
    return CreditGrant.objects.get(name=name).consumed_nanos


def expect(life: Life, day: date, refusals: set[str]) -> None:
    """Look at what is special about a day, in its evening."""
    limit = SpendLimits.objects.filter(organization=life.organization).first()
    match (day.month, day.day):
        case 6, 11:
            assert refusals == set()
        case 6, 12 | 15 | 19:
            assert "credit_balance_exhausted" in refusals
        case 6, 23:
            assert refusals == set()
            assert limit
            assert limit.approved_limit_nanos == usd(120)
        case 7, 30:
            # In the morning, before it was raised.
            assert refusals == {"organization_usage_limit_exceeded"}
        case 7, 31:
            assert refusals == set()
        case 8, 5:
            assert (0 < used("First") < usd(20), used("Then")) == (True, 0)
        case 8, 7:
            assert (used("First"), 0 < used("Then") < usd(20)) == (usd(20), True)
            assert used("Paid") == 0
        case 8, 12:
            assert not mails("raise_ending")
        case 8, 14:
            assert len(mails("raise_ending")) == 1
            assert limit
            assert limit.approved_limit_nanos == usd(300)
        case 8, 15:
            assert len(mails("raise_ended")) == 1
            assert limit
            assert limit.approved_limit_nanos == usd(120)
        case 8, 24:
            assert balances(life.organization)["breakage"] == -usd(7)


def mails(kind: str) -> list[str]:
    rows = OutboxMail.objects.filter(kind=kind).order_by("pk")
    return list(rows.values_list("subject", flat=True))


def live(life: Life, day: date) -> None:
    """Let a day go by: work, decisions, requests, the worker, and a look at it all."""
    # Once more when a month ends: it is safe.
    life.beat(times=2 if day.day == 1 else 1)
    if day.day == 1 and day != BEGIN.date():
        invoice = Invoice.objects.filter(kind="invoice").latest("cycle_start")
        assert next_cycle(invoice.cycle_start) == day
        compare(life, invoice)
    life.clock.at(9)
    is_workday = day.weekday() < 5 and day != LAST_DAY
    refusals = work(life, day) if is_workday else set()
    if day in DEEDS:
        DEEDS[day](life)
    if day.day == PAYDAY and day.month > 6:
        pay(life)
    life.clock.at(18)
    if is_workday and day.month == 7 and day in DEEDS:
        assert work(life, day) == set()
    life.beat(turns=TURNS if day in DEEDS else COUNTING)
    compare_so_far(life)
    expect(life, day, refusals)
    life.check()


def work(life: Life, day: date) -> set[str]:
    codes = {life.request(BY_MONTH[day.month]) for _ in range(2)}
    return codes - {""}


def pay(life: Life) -> None:
    """Pay what the month before came to."""
    invoice = Invoice.objects.filter(kind="invoice").latest("cycle_start")
    record_payment(
        invoice=invoice,
        paid_on=life.clock.now.date(),
        reference="Wire",
        acting_user=life.op,
        now=life.clock.now,
    )


def compare_so_far(life: Life) -> None:
    """One number in the evening, too: of the running month, and on its pages."""
    cost = agreed_nanos(life, cycle_of(life.clock.now))
    bill = draft_for(life.organization, now=life.clock.now).bill
    assert sum(each.exact_nanos for each in bill.lines if each.kind == "usage") == cost
    slug = life.organization.slug
    assert overview_nanos(life.browser, slug) == cost
    assert draft_page_nanos(life.browser, slug) == cost


def agreed_nanos(life: Life, month: date) -> int:
    """Return what arithmetic, usage and its page, CSV and the API say of a month."""
    cost = sum(used.cost_nanos for used in life.used if used.cycle_start == month)
    span = Span.of_cycle(month)
    assert usage_of(life.organization, span).total.cost_nanos == cost
    slug = life.organization.slug
    assert usage_page_nanos(life.browser, slug, month) == cost
    assert usage_csv_nanos(life.browser, slug, month) == cost
    assert life.programs.costs_nanos(month) == cost
    return cost


def compare(life: Life, invoice: Invoice) -> None:
    """One number: arithmetic, usage, API, invoice as page, CSV, PDF and mail."""
    cost = agreed_nanos(life, invoice.cycle_start)
    assert life.programs.balance_nanos(invoice.cycle_start) == cost
    lines = invoice.lines.all()
    usage = sum(line.exact_nanos for line in lines if line.kind == "usage")
    assert usage == cost
    total = cents_usd(invoice.total_nanos)
    url = f"/o/acme/billing/invoices/{invoice.number}"
    browser = life.browser
    page = browser.get(url).content.decode()
    assert f'?cycle={invoice.cycle_start:%Y-%m}">${total}</a></td>' in page
    rows = list(csv.reader(io.StringIO(browser.get(f"{url}/csv").content.decode())))
    assert rows[-1][-1] == total.replace(",", "")
    assert sum(Decimal(row[-1]) for row in rows[1:-1]) == Decimal(rows[-1][-1])
    assert f"Total ${total}" in text_of(browser.get(f"{url}/pdf").content)
    (subject,) = [each for each in mails("invoice") if invoice.number in each]
    assert subject.endswith(f": ${total}")


def text_of(pdf: bytes) -> str:
    pages = PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


def test_six_months_agree_on_every_day(life: Life) -> None:
    for day in life.clock.days_until(LAST_DAY):
        live(life, day)

    invoices = list(Invoice.objects.filter(kind="invoice").order_by("position"))
    assert [each.number for each in invoices] == [f"INV-{n:06d}" for n in range(1, 7)]
    credit = sum(each.consumed_nanos for each in CreditGrant.objects.all())
    billed = sum(u.cost_nanos for u in life.used) - credit - usd("12.34")
    assert sum(each.net_nanos for each in invoices) + invoices[-1].carried_nanos == (
        billed
    )
    september = invoices[3].lines.filter(kind="usage")
    assert set(september.values_list("unit_nanos", flat=True)) == {150, 200, 600}
    assert invoices[4].lines.get(kind="adjustment").amount_nanos == -usd("12.34")
    due = invoices[-1].total_nanos
    assert balances(life.organization)["receivable"] == due
    assert due > NANOS_PER_DOLLAR
