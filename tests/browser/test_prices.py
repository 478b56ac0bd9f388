"""An operator sets a price in a browser, having seen what it does."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenVisit
from tests.browser.test_pages import LOOKS, OP, overflow, photograph
from tests.browser.world import World

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("scripts", "rate"), [(True, "0.75"), (False, "0.85")])
def test_a_price_is_previewed_confirmed_and_stands_in_its_history(
    visit: OpenVisit, world: World, scripts: bool, rate: str
) -> None:
    with visit(OP, scripts=scripts) as opened:
        page = opened.open("/operator/prices/new?model=gpt-4o-mini")
        page.get_by_label("Output", exact=False).first.fill(rate)
        page.get_by_role("button", name="Show the effect").click()
        for theme, width in LOOKS if scripts else ():
            opened.look(theme, width)
            photograph(opened, "operator-price-effect", theme, width)
            assert overflow(opened) == 0, (theme, width)
        confirm = page.get_by_role("button", name="for everybody")
        assert "production and staging" in confirm.inner_text()
        confirm.click()

        page.wait_for_url("**/operator/prices/history**")
        assert page.get_by_text(f"${rate}").count() == 1
        assert opened.problems == []
