"""An owner says with the keyboard how the gateway treats requests."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from billing.models import GatewaySettings
from tests.browser.conftest import OpenVisit

pytestmark = pytest.mark.browser
ADA = "ada@acme.example"


@pytest.mark.parametrize("scripts", [True, False])
def test_settings_are_saved_and_shown_as_saved(
    visit: OpenVisit, *, scripts: bool
) -> None:
    with visit(ADA, scripts=scripts) as opened:
        page = opened.open("/o/acme/settings")
        switch = page.get_by_label("Answer identical requests from the cache")
        switch.focus()
        was_on = switch.is_checked()
        page.keyboard.press("Space")
        page.get_by_label("Keep cached answers for").select_option("6 hours")
        page.get_by_role("button", name="Save", exact=True).click()

        expect(page.get_by_text("saved and in force")).to_be_visible()
        expect(switch).to_be_checked(checked=not was_on)
        assert GatewaySettings.objects.get().cache_s == 6 * 3600
