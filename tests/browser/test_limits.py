"""An owner changes limits with mouse and keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from billing.models import SoftLimit, SpendLimits
from tests.browser.conftest import SCREENSHOTS, OpenVisit
from tests.factories import usd

pytestmark = pytest.mark.browser
ADA = "ada@acme.example"


def hard_limit() -> int | None:
    return SpendLimits.objects.get().hard_limit_nanos


def test_a_limit_below_the_spend_is_confirmed_first(visit: OpenVisit) -> None:
    with visit(ADA) as opened:
        page = opened.open("/o/acme/limits")
        before = hard_limit()
        page.get_by_label("Hard limit in USD").fill("0")
        page.get_by_role("button", name="Change hard limit").click()
        expect(page.get_by_text("This refuses requests at once.")).to_be_visible()
        assert hard_limit() == before

        page.get_by_label("Yes, refuse requests at once").check()
        page.get_by_role("button", name="Change hard limit").click()
        expect(page.get_by_text("The hard limit is $0.00 per cycle.")).to_be_visible()
        assert hard_limit() == 0

        page.get_by_label("Hard limit in USD").fill("60")
        page.keyboard.press("Enter")
        expect(page.get_by_text("The hard limit is $60.00 per cycle.")).to_be_visible()


def test_a_wrong_amount_is_explained_beside_the_field(visit: OpenVisit) -> None:
    with visit(ADA) as opened:
        page = opened.open("/o/acme/limits")
        field = page.get_by_label("Tell at")
        field.fill("1.999")
        page.get_by_role("button", name="Add soft limit").click()

        assert field.input_value() == "1.999"
        assert field.get_attribute("aria-invalid") == "true"
        described = field.get_attribute("aria-describedby") or ""
        error = page.locator(f"#{described.split()[-1]}")
        assert "at most cents" in error.inner_text()
        assert not SoftLimit.objects.filter(amount_nanos=usd("1.99")).exists()


def test_removing_the_hard_limit_takes_two_steps(visit: OpenVisit) -> None:
    with visit(ADA) as opened:
        page = opened.open("/o/acme/limits")
        button = page.get_by_role("button", name="Remove hard limit", exact=True)
        expect(button).not_to_be_visible()

        page.get_by_text("Remove hard limit…").click()
        expect(page.get_by_text("the approved limit of $120.00")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_key_is_limited_in_its_row(visit: OpenVisit, scripts: bool) -> None:
    with visit(ADA, scripts=scripts) as opened:
        page = opened.open("/o/acme/limits")
        row = page.locator("#key-limits tr", has_text="Ada's laptop")
        row.locator("summary").click()
        page.screenshot(path=SCREENSHOTS / "limits-row.png", full_page=True)
        row.get_by_label("Limit in USD per cycle").fill("70")
        page.keyboard.press("Enter")

        expect(page.get_by_text("Ada's laptop may spend $70.00")).to_be_visible()
        row.locator("summary").click()
        row.get_by_role("button", name="Remove the limit").click()
        expect(page.get_by_text("has no limit of their own")).to_be_visible()
        assert opened.problems == []
