"""An operator views an organization in a real browser, and stops."""

from __future__ import annotations

import pytest

from orgs.models import Viewing, ViewingEnd
from tests.browser.conftest import OpenVisit
from tests.browser.test_pages import LOOKS, OP, overflow, photograph
from tests.browser.world import World

pytestmark = pytest.mark.browser


def test_the_operator_gives_a_reason_looks_and_stops(
    visit: OpenVisit, world: World
) -> None:
    with visit(OP) as opened:
        page = opened.open(f"/operator/organizations/{world.acme.public_id}/view")
        for theme, width in LOOKS:
            opened.look(theme, width)
            photograph(opened, "operator-view", theme, width)
            assert overflow(opened) == 0, (theme, width)
        page.get_by_label("Reason").fill("Ticket 4711: where did the spend come from?")
        page.get_by_role("button", name="View Acme (Production)").click()
        page.wait_for_url("**/o/acme/overview")
        page = opened.open("/o/acme/limits")
        for theme, width in LOOKS:
            opened.look(theme, width)
            photograph(opened, "viewing", theme, width)
            assert overflow(opened) == 0, (theme, width)
        shut = page.locator(
            "#content form[method=post]:not([data-viewing-stop]) button"
        )
        assert shut.count() > 0
        assert all(not button.is_enabled() for button in shut.all())
        page.get_by_role("button", name="Stop viewing").click()
        page.get_by_text("You stopped viewing Acme.").wait_for()
        assert opened.problems == []
    assert Viewing.objects.get().ended_by == ViewingEnd.STOPPED
