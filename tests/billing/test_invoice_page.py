"""Page, CSV and PDF of an invoice say the same; readers see them, strangers do not."""

from __future__ import annotations

import csv
import io
from contextlib import closing
from decimal import Decimal

import pytest
from django.test import Client
from pypdf import PdfReader

from billing.invoice_models import Invoice
from billing.invoice_pdf import NOTO, Page, invoice_pdf
from billing.invoice_queries import lines_of
from core.money import dollars_from_nanos
from orgs.models import Organization, User
from tests.billing.test_invoices import AFTER_NOVEMBER, NOVEMBER, close, spend
from tests.factories import NOW, usd

pytestmark = pytest.mark.django_db
URL = "/o/acme/billing/invoices/INV-000001"


@pytest.fixture
def invoice(acme: Organization) -> Invoice:
    """An invoice of October with two models and a rest."""
    spend(acme, usd("10.004"))
    spend(acme, usd("2.50"), model="gpt-5 <b>")
    close()
    return Invoice.objects.get()


def page(client: Client, user: User, url: str = URL) -> str:
    client.force_login(user)
    return client.get(url).content.decode()


def test_an_owner_finds_lines_total_and_the_way_to_the_records(
    client: Client, ada: User, invoice: Invoice
) -> None:
    text = page(client, ada)

    assert "$10.004" in text
    assert "gpt-5 &lt;b&gt;" in text
    assert 'href="/o/acme/usage/records?cycle=2026-10">$12.50</a>' in text
    assert "$0.004, is carried to the next invoice" in text


def test_a_reader_reads_the_invoice_without_links_to_records_of_others(
    client: Client, rita: User, invoice: Invoice
) -> None:
    text = page(client, rita)
    assert "$12.50" in text
    assert "/usage/records" not in text


def test_the_billing_page_lists_it_with_what_became_of_it(
    client: Client, rita: User, invoice: Invoice
) -> None:
    text = page(client, rita, "/o/acme/billing")
    assert f'href="{URL}">INV-000001</a>' in text
    assert "Closed" in text


def test_an_invoice_of_others_is_not_there(
    client: Client, globex: Organization, oscar: User, invoice: Invoice
) -> None:
    client.force_login(oscar)
    for path in ("", "/csv", "/pdf"):
        url = f"/o/globex/billing/invoices/INV-000001{path}"
        assert client.get(url).status_code == 404


def test_the_csv_adds_up_to_the_total(
    client: Client, rita: User, invoice: Invoice
) -> None:
    head, *rows, total = csv.reader(io.StringIO(page(client, rita, f"{URL}/csv")))

    assert head[-1] == "Amount (USD)"
    assert total[-1] == "12.50"
    assert sum(Decimal(row[-1]) for row in rows) == Decimal("12.50")
    exact = sum(Decimal(row[-2]) for row in rows)
    assert exact == dollars_from_nanos(invoice.total_nanos + invoice.carried_nanos)


def test_the_pdf_is_one_page_of_paper(
    client: Client, rita: User, invoice: Invoice
) -> None:
    client.force_login(rita)
    response = client.get(f"{URL}/pdf")

    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == 'attachment; filename="INV-000001.pdf"'
    assert response.content.startswith(b"%PDF-")
    assert response.content.count(b"/Type /Page\n") == 1


def test_a_long_invoice_goes_on_on_further_pages(acme: Organization) -> None:
    for number in range(90):
        spend(acme, usd(1), model=f"model-{number}")
    close()
    invoice = Invoice.objects.get()
    content = invoice_pdf(invoice, lines_of(invoice))
    assert content.count(b"/Type /Page\n") > 1


@pytest.mark.parametrize("name", ["東京株式会社 and 서울 주식회사", "Дружба and Łódź"])
def test_names_in_other_scripts_are_printed(invoice: Invoice, name: str) -> None:
    # As it was when it was issued; only this copy of it has another name.
    invoice.buyer_name = name
    content = invoice_pdf(invoice, lines_of(invoice))

    (paper,) = PdfReader(io.BytesIO(content)).pages
    assert name in paper.extract_text()
    assert len(content) < 100_000


@pytest.mark.parametrize(
    "name",
    [
        "شركة المثال للتجارة",
        "חברת דוגמה בע״מ",
        "บริษัท ตัวอย่าง จำกัด",
        "उदाहरण प्राइवेट लिमिटेड",
        "উদাহরণ লিমিটেড",
        "எடுத்துக்காட்டு நிறுவனம்",
        "ఉదాహరణ సంస్థ",
        "ഉദാഹരണം കമ്പനി",
        "ಉದಾಹರಣೆ ಸಂಸ್ಥೆ",
        "ઉદાહરણ કંપની",
        "ਉਦਾਹਰਨ ਕੰਪਨੀ",
        "Օրինակ ընկերություն",
        "მაგალითი კომპანია",
    ],
)
def test_names_in_scripts_whose_letters_join_are_shaped(
    invoice: Invoice, name: str
) -> None:
    invoice.buyer_name = f"{name} (Acme)"
    with closing(Page("INV-1")) as paper:
        assert paper.printable(name) == name
        assert paper.text_shaping
        assert len(paper.fallbacks) == 1

    content = invoice_pdf(invoice, lines_of(invoice))

    (paper_read,) = PdfReader(io.BytesIO(content)).pages
    assert "Acme" in paper_read.extract_text()
    assert len(content) < 120_000


def test_letters_that_no_font_has_do_not_stop_an_invoice() -> None:
    with closing(Page("INV-1")) as paper:
        assert paper.printable("Zoë 東京 ☃\nᚠ\n") == "Zoë 東京 ?\n?\n"
        assert paper.unread == list(NOTO)


def test_fonts_are_read_only_for_letters_that_need_them() -> None:
    with closing(Page("INV-1")) as paper:
        assert paper.printable("Zoë & Co.") == "Zoë & Co."
        assert paper.fallbacks == []


def test_the_draft_shows_what_comes_and_issues_nothing(
    client: Client, acme: Organization, rita: User, invoice: Invoice
) -> None:
    spend(acme, usd(3), at=NOW)
    spend(acme, usd(1))
    close(now=NOW)

    text = page(client, rita, "/o/acme/billing/draft")

    assert "November 2026 so far" in text
    assert "Late, of October 2026" in text
    assert "$4.00" in text
    assert Invoice.objects.count() == 1
    close(now=AFTER_NOVEMBER)
    assert Invoice.objects.get(cycle_start=NOVEMBER).total_nanos == usd(4)


def test_before_any_usage_the_draft_says_so(
    client: Client, acme: Organization, ada: User
) -> None:
    assert "Nothing to invoice yet" in page(client, ada, "/o/acme/billing/draft")
