"""
An invoice as PDF: the one module that draws with fpdf2.

In pure Python, because a fresh machine has none of the libraries that draw HTML.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence, Set
from contextlib import closing
from typing import Literal

from django.conf import settings
from django.contrib.staticfiles import finders
from fpdf import FPDF
from fpdf.enums import Align, TableBordersLayout
from fpdf.fonts import FontFace, TTFFont

from billing.invoice_models import Invoice, InvoiceKind, InvoiceLine
from core.templatetags.money import usd, usd_exact

FONT, *SCRIPTS = (
    *("latin", "latin-ext", "cyrillic", "cyrillic-ext"),
    *("greek", "greek-ext", "vietnamese"),
)
# Of fixed weight: to draw one from the variable font takes a second each.
FONT_FILE = "vendor/inter-static-5.3.0/inter-{script}-{weight}-normal.woff2"
WEIGHTS: dict[Literal["", "B"], int] = {"": 400, "B": 600}
# Scripts of which Inter has no letters, in one weight, by their blocks of Unicode.
NOTO = {
    "armenian": range(0x0530, 0x0590),
    "hebrew": range(0x0590, 0x0600),
    "arabic": range(0x0600, 0x0780),
    "devanagari": range(0x0900, 0x0980),
    "bengali": range(0x0980, 0x0A00),
    "gurmukhi": range(0x0A00, 0x0A80),
    "gujarati": range(0x0A80, 0x0B00),
    "tamil": range(0x0B80, 0x0C00),
    "telugu": range(0x0C00, 0x0C80),
    "kannada": range(0x0C80, 0x0D00),
    "malayalam": range(0x0D00, 0x0D80),
    "thai": range(0x0E00, 0x0E80),
    "georgian": range(0x10A0, 0x1100),
}
NOTO_FILE = "vendor/noto-sans-5.3.0/noto-sans-{script}-{script}-400-normal.woff2"
# Chinese, Japanese and Korean, in one weight. It takes a second to read.
EAST_ASIAN = "east-asian"
EAST_ASIAN_FILE = "vendor/wqy-microhei-0.2.0-beta/wqy-microhei.ttc"
INK, DIM, RULE = (28, 36, 54), (90, 102, 125), (221, 226, 234)
COLUMN_WIDTHS = (92, 30, 26, 26)
RIGHT = (Align.L, Align.R, Align.R, Align.R)
# It tells of every table of a font that it leaves out.
logging.getLogger("fontTools").setLevel(logging.ERROR)


class Page(FPDF):
    """A page of paper with the invoice's number and the page's at its foot."""

    def __init__(self, number: str) -> None:
        super().__init__(format="A4")
        self.number = number
        self.set_margins(18, 18)
        self.set_auto_page_break(True, margin=24)
        self.set_title(number)
        self.unread = [*NOTO, *SCRIPTS, EAST_ASIAN]
        self.fallbacks: list[str] = []
        self.known: set[int] = set()
        self.read_font(FONT)
        self.add_page()

    def read_font(self, script: str) -> None:
        if script == EAST_ASIAN:
            self.add_font(script, "", finders.find(EAST_ASIAN_FILE))
        elif script in NOTO:
            self.add_font(script, "", finders.find(NOTO_FILE.format(script=script)))
            # Their letters join, stack or run from right to left.
            self.set_text_shaping(True)
        else:
            for style, weight in WEIGHTS.items():
                file = FONT_FILE.format(script=script, weight=weight)
                self.add_font(script, style, finders.find(file))
        font = self.fonts[script]
        assert isinstance(font, TTFFont)
        self.known.update(font.cmap)

    def read_fonts_for(self, text: str) -> None:
        """Read more fonts until they have all letters of a text, or none is left."""
        while missing := set(map(ord, text)) - self.known:
            script = next((it for it in self.unread if may_have(it, missing)), None)
            if script is None:
                return
            self.unread.remove(script)
            self.read_font(script)
            self.fallbacks.append(script)
            # A name in a script of one weight is better than none.
            self.set_fallback_fonts(self.fallbacks, exact_match=False)

    def close(self) -> None:
        """Close the files of the fonts."""
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.close()

    def footer(self) -> None:
        self.set_y(-16)
        self.write_line(
            f"{self.number} · page {self.page_no()} of {{nb}}", 8, color=DIM
        )

    def write_line(
        self,
        text: str,
        size: float = 9.5,
        *,
        style: str = "",
        color: tuple[int, int, int] = INK,
        width: float = 0,
        height: float = 4.8,
        align: Align = Align.L,
    ) -> None:
        """Write lines of text and go on below them."""
        self.set_font(FONT, style, size)
        self.set_text_color(*color)
        self.multi_cell(
            width,
            height,
            self.printable(text),
            align=align,
            new_x="LMARGIN",
            new_y="NEXT",
        )

    def printable(self, text: str) -> str:
        """Return a text in the letters of the fonts; the page has all of them."""
        self.read_fonts_for(text.replace("\n", ""))
        return "".join(
            each if ord(each) in self.known or each == "\n" else "?" for each in text
        )


def may_have(script: str, letters: Set[int]) -> bool:
    """Say whether the font of a script may have one of these letters."""
    return script not in NOTO or not letters.isdisjoint(NOTO[script])


def invoice_pdf(invoice: Invoice, lines: Sequence[InvoiceLine]) -> bytes:
    """Return the invoice on A4, with every line and the same sums as its page."""
    out = io.BytesIO()
    with closing(Page(invoice.number)) as page:
        draw_head(page, invoice)
        draw_lines(page, invoice, lines)
        draw_foot(page, invoice)
        page.output(out)
    return out.getvalue()


def draw_head(page: Page, invoice: Invoice) -> None:
    """Draw who sells, to whom, and which invoice it is."""
    page.write_line(invoice.seller_name, 13, style="B", height=7)
    tax_id = f"Tax id {invoice.seller_tax_id}" if invoice.seller_tax_id else ""
    page.write_line(joined(invoice.seller_address, tax_id), 8.5, color=DIM)
    page.ln(9)
    page.write_line(
        f"{invoice.get_kind_display()} {invoice.number}", 19, style="B", height=9
    )
    page.ln(3)
    top = page.get_y()
    page.write_line("Billed to", 8.5, color=DIM)
    page.write_line(invoice.buyer_name, style="B", width=86)
    buyer_tax_id = f"Tax id {invoice.buyer_tax_id}" if invoice.buyer_tax_id else ""
    page.write_line(joined(invoice.buyer_address, buyer_tax_id), width=86)
    bottom = page.get_y()
    for name, value in facts_of(invoice):
        page.set_xy(116, top)
        page.write_line(name, 8.5, color=DIM, width=32)
        page.set_xy(148, top)
        page.write_line(value, width=44, align=Align.R)
        top = page.get_y() + 0.6
    page.set_y(max(bottom, top) + 7)


def joined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def facts_of(invoice: Invoice) -> list[tuple[str, str]]:
    facts = [
        ("Billing cycle", f"{invoice.cycle_start:%B %Y}"),
        ("Issued on", f"{invoice.issued_at:%-d %B %Y}"),
    ]
    if invoice.kind == InvoiceKind.CREDIT_NOTE and invoice.credits:
        facts.append(("Takes back", invoice.credits.number))
    elif invoice.total_nanos:
        facts.append(("Due on", f"{invoice.due_on:%-d %B %Y}"))
    if invoice.buyer_reference:
        facts.append(("Your reference", invoice.buyer_reference))
    return facts


def draw_lines(page: Page, invoice: Invoice, lines: Sequence[InvoiceLine]) -> None:
    """Draw the table; its head is repeated on each page."""
    page.set_font(FONT, "", 8.5)
    page.set_text_color(*INK)
    page.set_draw_color(*RULE)
    with page.table(
        col_widths=COLUMN_WIDTHS,
        text_align=RIGHT,
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        headings_style=FontFace(emphasis="BOLD", color=DIM),
        line_height=5.2,
        padding=(1, 1),
    ) as table:
        table.row(("Description", "Quantity", "Unit price", "Amount (USD)"))
        for line in lines:
            row = cells_of(line, invoice)
            table.row([page.printable(text) for text in row])
    page.ln(2)


def cells_of(line: InvoiceLine, invoice: Invoice) -> tuple[str, str, str, str]:
    is_late = line.cycle_start is not None and line.cycle_start < invoice.cycle_start
    late = f" (late, of {line.cycle_start:%B %Y})" if is_late else ""
    return (
        line.description + late,
        "" if line.quantity is None else f"{line.quantity:,}",
        "" if line.unit_nanos is None else usd_exact(line.unit_nanos),
        usd(line.amount_nanos),
    )


def draw_foot(page: Page, invoice: Invoice) -> None:
    """Draw the total, and what rounding carries on."""
    page.write_line(
        f"Total  {usd(invoice.total_nanos)}", 13, style="B", height=8, align=Align.R
    )
    page.ln(4)
    notes = [
        "Each line is rounded once, to whole cents. What is left over, "
        f"{usd_exact(invoice.carried_nanos)}, is carried to the next invoice."
    ]
    if invoice.reason:
        notes.append(f"Reason: {invoice.reason}")
    notes.append(
        f"Every line and the usage records behind it: {settings.BASE_URL}/o/"
        f"{invoice.organization.slug}/billing/invoices/{invoice.number}"
    )
    for each in notes:
        page.write_line(each, 8, color=DIM, height=4.2)
