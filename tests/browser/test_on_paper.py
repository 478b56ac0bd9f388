"""Pages as they are printed: the content alone, within a sheet of paper."""

from __future__ import annotations

import pytest

from billing.invoice_models import Invoice
from billing.payment_models import InvoiceCharge
from tests.browser.conftest import OpenVisit
from tests.browser.test_pages import ADA, OP, overflow, photograph
from tests.browser.world import World

pytestmark = pytest.mark.browser

# A4 at 96 dpi, without margins.
WIDTH, HEIGHT = 718, 1010
NUMBER = "INV-000001"
PRINTED = {
    "invoice": f"/o/acme/billing/invoices/{NUMBER}",
    "invoice-draft": "/o/acme/billing/draft",
    "billing": "/o/acme/billing",
    "overview": "/o/acme/overview",
    "usage": "/o/acme/usage",
    "limits": "/o/acme/limits",
}
ON_SCREEN_ONLY = ".rail, .btn, form, .skip-link, .environment-bar"


@pytest.mark.parametrize("name", PRINTED)
def test_a_page_fits_on_paper_without_what_is_for_the_screen(
    visit: OpenVisit, world: World, name: str
) -> None:
    with visit(ADA) as opened:
        page = opened.open(PRINTED[name])
        seen = page.locator(ON_SCREEN_ONLY).locator("visible=true")
        assert seen.count() > 0
        page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        page.emulate_media(media="print", color_scheme="light")
        page.wait_for_timeout(150)
        photograph(opened, name, "print", WIDTH)

        assert seen.count() == 0
        assert page.locator("h1").is_visible()
        assert overflow(opened) == 0
        assert opened.problems == []


def test_an_operator_sees_the_way_out_of_a_charge_that_nobody_answers(
    visit: OpenVisit, world: World
) -> None:
    invoice = Invoice.objects.get(number=NUMBER)
    charge = InvoiceCharge.objects.create(
        organization=invoice.organization,
        invoice=invoice,
        stage="under_way",
        next_attempt_at=invoice.issued_at,
        created_at=invoice.issued_at,
    )
    with visit(OP) as opened:
        page = opened.open(f"/operator/invoices/{NUMBER}")
        opened.look("dark", 390)
        photograph(opened, "operator-invoice-stuck", "dark", 390)
        assert overflow(opened) == 0
        assert page.get_by_role("button", name="Note as paid").count() == 0

        page.get_by_role("button", name="Give up asking the card").click()

        page.get_by_role("button", name="Note as paid").wait_for()
        charge.refresh_from_db()
        assert charge.stage != "under_way"
        assert opened.problems == []
